"""Finds what a row refers to: a customer, an agreement by its meter, a tariff."""

from __future__ import annotations

from datetime import datetime

from headend.customers.models import Customer, SupplyAgreement
from headend.customers.queries import agreement_of
from headend.exchange.cells import Cells
from headend.exchange.errors import InvalidCell
from headend.exchange.kinds import Column
from headend.exchange.known import Known
from headend.meters.queries import meter_numbered
from headend.tariffs.models import Tariff

METER = Column("meter", "number of the meter, 11 or 13 digits", True, "04123456789")
CUSTOMERS_KNOWN = ("customer_reference", Customer, "external_reference")
TARIFFS_KNOWN = ("tariff", Tariff, "code")
CUSTOMER = (
    Column("customer", "the number of the customer, as their page shows it"),
    Column("customer_reference", "or their number in the system they come from", example="C-1001"),
)


def customer_of(cells: Cells, known: Known) -> Customer | None:
    """Return the customer that a row names; None if it names nobody.

    Raises:
        InvalidCell: there is no such customer, or it names them twice.
    """
    reference = cells.text("customer_reference")
    if cells.text("customer"):
        found = Customer.objects.filter(pk=cells.row("customer", "customers.customer")).first()
        if found is None:
            raise InvalidCell(f"there is no customer {cells.text('customer')}")
        if reference and found.external_reference != reference:
            raise InvalidCell(
                f"customer {cells.text('customer')} has not the reference {reference!r}; one of "
                "them is enough"
            )
        return found
    if not reference:
        return None
    found = known.find(Customer, "external_reference", reference)
    if found is None:
        raise InvalidCell(f"there is no customer with the reference {reference!r}")
    return found


def agreement_of_row(cells: Cells, *, at: datetime) -> SupplyAgreement:
    """Return the running agreement of the meter that a row names.

    Raises:
        InvalidMeterNumber, MeterNotFound, NoSupplyAgreement: there is none.
    """
    return agreement_of(meter_numbered(cells.needed("meter")), at=at)


def tariff_of(cells: Cells, known: Known) -> Tariff:
    """Return the tariff that a row names by its code.

    Raises:
        InvalidCell: there is none.
    """
    code = cells.needed("tariff")
    found = known.find(Tariff, "code", code)
    if found is None:
        raise InvalidCell(f"there is no tariff with the code {code!r}")
    return found


def choice_of(cells: Cells, name: str, allowed: list[str], default: str) -> str:
    """Return one of several words.

    Raises:
        InvalidCell: it is another.
    """
    word = cells.text(name).lower() or default
    if word not in allowed:
        raise InvalidCell(f"{name} {word!r} is none of {', '.join(allowed)}")
    return word
