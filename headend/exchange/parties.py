"""Finds what a row refers to: a customer, an agreement by its meter, a tariff."""

from __future__ import annotations

from datetime import datetime

from headend.customers.models import Customer, SupplyAgreement
from headend.customers.queries import agreement_of, agreements_in_force
from headend.exchange.cells import Cells
from headend.exchange.errors import InvalidCell
from headend.exchange.kinds import Column
from headend.exchange.known import By, Known, Lookup, column
from headend.meters.models import Meter
from headend.meters.queries import meter_numbered
from headend.tariffs.models import Tariff

METER = Column("meter", "number of the meter, 11 or 13 digits", True, "04123456789")
_CUSTOMER = "customers.customer"  # what ids of customers stand for
CUSTOMER_BY_ID = By(Customer, ("pk",))
CUSTOMER_BY_REFERENCE = By(Customer, ("external_reference",))
METER_BY_NUMBER = By(Meter, ("drn",))
AGREEMENT_BY_METER = By(SupplyAgreement, ("meter__drn",), agreements_in_force)
TARIFF_BY_CODE = By(Tariff, ("code",))


def customer_id(cells: Cells, name: str = "customer") -> int:
    """Return the row number of the customer whose id a column has.

    Raises:
        InvalidCell: it is no id of a customer.
    """
    return cells.row(name, _CUSTOMER)


def number_of_meter(cells: Cells) -> str:
    """Return the number of a row's meter without spaces."""
    return "".join(cells.text("meter").split())


CUSTOMERS_KNOWN = (
    column("customer_reference", CUSTOMER_BY_REFERENCE),
    Lookup(CUSTOMER_BY_ID, lambda cells, _: customer_id(cells)),
)
TARIFFS_KNOWN = column("tariff", TARIFF_BY_CODE)
METERS_KNOWN = Lookup(METER_BY_NUMBER, lambda cells, _: number_of_meter(cells))
AGREEMENTS_KNOWN = Lookup(AGREEMENT_BY_METER, lambda cells, _: number_of_meter(cells))
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
        found = known.find(CUSTOMER_BY_ID, customer_id(cells))
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
    found = known.find(CUSTOMER_BY_REFERENCE, reference)
    if found is None:
        raise InvalidCell(f"there is no customer with the reference {reference!r}")
    return found


def meter_of(cells: Cells, known: Known) -> Meter:
    """Return the meter that a row names.

    Raises:
        InvalidMeterNumber, MeterNotFound: there is none.
    """
    number = cells.needed("meter")
    return known.found(METER_BY_NUMBER, number_of_meter(cells)) or meter_numbered(number)


def agreement_of_row(cells: Cells, known: Known, *, at: datetime) -> SupplyAgreement:
    """Return the running agreement of the meter that a row names.

    Raises:
        InvalidMeterNumber, MeterNotFound, NoSupplyAgreement: there is none.
    """
    there = known.found(AGREEMENT_BY_METER, number_of_meter(cells))
    return there or agreement_of(meter_of(cells, known), at=at)


def tariff_of(cells: Cells, known: Known) -> Tariff:
    """Return the tariff that a row names by its code.

    Raises:
        InvalidCell: there is none.
    """
    code = cells.needed("tariff")
    found = known.find(TARIFF_BY_CODE, code)
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
