"""Sheets of customers, meters and supply agreements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from headend.customers import services as customers
from headend.customers.models import Customer, Premises, SupplyAgreement
from headend.exchange.cells import Cells
from headend.exchange.errors import InvalidCell, RowDiffers
from headend.exchange.kinds import Column, Context, Done, Outcome, register
from headend.exchange.known import By, Known, Lookup, column
from headend.exchange.parties import (
    AGREEMENT_BY_METER,
    AGREEMENTS_KNOWN,
    CUSTOMER,
    CUSTOMER_BY_ID,
    CUSTOMER_BY_REFERENCE,
    CUSTOMERS_KNOWN,
    METER,
    METER_BY_NUMBER,
    METERS_KNOWN,
    TARIFFS_KNOWN,
    choice_of,
    customer_id,
    customer_of,
    meter_of,
    tariff_of,
)
from headend.meters import services as meters
from headend.meters.models import Meter
from headend.tariffs.models import Tariff

STATUSES = [str(Meter.Status.STOCK), str(Meter.Status.INSTALLED)]
_MODES = [str(one) for one in Meter.PaymentMode.values]
_DETAILS = ("name", "phone", "email", "language")
PREMISES_BY_ADDRESS = By(Premises, ("address",))
PREMISES_KNOWN = column("address", PREMISES_BY_ADDRESS)

DETAILS = (
    Column("phone", "how to reach them", example="+27 82 555 0101"),
    Column("email", "how to reach them"),
    Column("language", "code of the language they are written to in; en if empty"),
)
KEY_ATTRIBUTES = (
    Column("sgc", "supply group code, six digits", True, "123456"),
    Column("krn", "key revision number; 1 if empty"),
    Column("ti", "tariff index; 1 if empty"),
    Column("ken", "key expiry number; 255 if empty"),
    Column("kt", "key type; 2 if empty"),
    Column("base_date", "1993, 2014 (if empty) or 2035"),
    Column("ea", "encryption algorithm, 7 (if empty) or 11"),
    Column("dkga", "decoder key generation algorithm, 2 or 4 (if empty)"),
)
PAYMENT_MODE = Column("payment_mode", "prepayment (if empty) or postpayment")


@register(
    "customers",
    title="Customers",
    purpose="Registers customers, or changes how they are called and reached.",
    columns=(
        Column("reference", "their number in the system they come from", example="C-1001"),
        Column("id", "or their id here: to change a customer, or to give them a reference"),
        Column("name", "person or organisation", True, "Nomsa Dube"),
        *DETAILS,
    ),
    key=("reference", "id"),
    permissions=("customers.add_customer", "customers.change_customer"),
    lookups=(
        column("reference", CUSTOMER_BY_REFERENCE),
        Lookup(CUSTOMER_BY_ID, lambda cells, _: customer_id(cells, "id")),
    ),
    in_batches=True,
)
def import_customer(cells: Cells, context: Context) -> Done:
    """Register a customer whose reference is new, or change one."""
    customer = _known_customer(cells, context.known)
    details = {name: cells.text(name) for name in _DETAILS if name in cells}
    if "language" in details:
        details["language"] = details["language"] or "en"
    cells.needed("name")
    if cells.text("reference"):
        details["external_reference"] = cells.text("reference")
    if customer is None:
        made = customers.register_customer(
            by=context.by,
            at=context.at,
            source=context.source,
            **details,
        )
        context.known.add(made)
        return Done(Outcome.ADDED, cells.text("name"))
    if all(getattr(customer, name) == told for name, told in details.items()):
        return Done(Outcome.UNCHANGED, cells.text("name"))
    customers.change_customer(
        customer, by=context.by, at=context.at, source=context.source, **details
    )
    context.known.add(customer)
    return Done(Outcome.CHANGED, cells.text("name"))


def _known_customer(cells: Cells, known: Known) -> Customer | None:
    """Return the customer a row is about; None if it is a new one."""
    reference = cells.text("reference")
    by_reference = known.find(CUSTOMER_BY_REFERENCE, reference) if reference else None
    if not cells.text("id"):
        if not reference:
            raise InvalidCell("the row has neither reference nor id; it could be imported twice")
        return by_reference
    found = known.find(CUSTOMER_BY_ID, customer_id(cells, "id"))
    if found is None:
        raise InvalidCell(f"there is no customer {cells.text('id')}")
    is_free = by_reference is None and not found.external_reference
    if reference and by_reference != found and not is_free:
        raise InvalidCell(f"id and reference {reference!r} are of different customers")
    return found


@register(
    "meters",
    title="Meters",
    purpose="Registers meters with the attributes of their keys.",
    columns=(
        METER,
        *KEY_ATTRIBUTES,
        Column("status", "stock (if empty) or installed"),
        PAYMENT_MODE,
    ),
    key=("meter",),
    permissions=("meters.add_meter", "meters.change_meter"),
    lookups=(METERS_KNOWN,),
    in_batches=True,
)
def import_meter(cells: Cells, context: Context) -> Done:
    """Register a meter, or install one that is in stock; a key is changed by a key change only."""
    there = context.known.find(METER_BY_NUMBER, cells.needed("meter"))
    as_it_is = [there.status] if there is not None else []  # also removed or scrapped
    status = choice_of(cells, "status", STATUSES + as_it_is, STATUSES[0])
    meter, is_new = register_or_find(cells, context)
    if status == Meter.Status.INSTALLED and meter.status == Meter.Status.STOCK:
        meters.install_meter(meter, by=context.by, at=context.at, source=context.source)
        return Done(Outcome.ADDED if is_new else Outcome.CHANGED)
    return Done(Outcome.ADDED if is_new else Outcome.UNCHANGED)


def register_or_find(cells: Cells, context: Context) -> tuple[Meter, bool]:
    """Return the meter of a row, registered if it was not, and whether it was.

    Raises:
        RowDiffers: it is registered with another key or payment mode.
        InvalidMeterNumber, InvalidMeter: it can't be.
    """
    key = key_of(cells)
    mode = choice_of(cells, "payment_mode", _MODES, _MODES[0])
    drn = cells.needed("meter")
    there = context.known.find(METER_BY_NUMBER, drn)
    if there is None:
        made = meters.register_meter(
            drn=drn,
            key=key,
            by=context.by,
            at=context.at,
            source=context.source,
            payment_mode=mode,
        )
        context.known.add(made)
        return made, True
    for name, wanted in vars(key).items():
        if getattr(there, name) != wanted:
            raise RowDiffers(
                f"meter {drn} is registered with {name.upper()} {getattr(there, name)}, not "
                f"{wanted}; a key is changed by a key change"
            )
    if cells.text("payment_mode") and there.intended_payment_mode != mode:
        raise RowDiffers(
            f"meter {drn} is on {there.intended_payment_mode}; switch it under Meters"
        )
    return there, False


def key_of(cells: Cells) -> meters.KeyAttributes:
    """Return the key attributes that a row names, or what is usual."""
    usual = meters.KeyAttributes(sgc=cells.needed("sgc"))
    numbers = {
        column.name: cells.whole(column.name, getattr(usual, column.name))
        for column in KEY_ATTRIBUTES[1:]
    }
    return meters.KeyAttributes(sgc=usual.sgc, **numbers)


AGREEMENT = (
    Column("address", "of the premises", True, "12 Acacia Street, Riverside"),
    Column("tariff", "code of the tariff", True, "domestic"),
    Column("since", "when it began, if before now; a day or a time", example="2021-03-01"),
    Column("connection_va", "size of the connection, which some tariffs ask for"),
    Column("low_credit_kwh", "the customer is told below it; 5 if empty"),
)


@register(
    "agreements",
    title="Supply agreements",
    purpose="Joins customers, premises and meters: who is supplied where, on which tariff.",
    columns=(
        METER,
        *CUSTOMER,
        *AGREEMENT,
        Column("until", "when it ended, if it did: then the row opens nothing"),
    ),
    key=("meter", "until"),  # an export has those that ended as well
    permissions=("customers.add_supplyagreement",),
    lookups=(
        *CUSTOMERS_KNOWN,
        TARIFFS_KNOWN,
        PREMISES_KNOWN,
        METERS_KNOWN,
        AGREEMENTS_KNOWN,
    ),
    in_batches=True,
    beside=("customer_name",),
)
def import_agreement(cells: Cells, context: Context) -> Done:
    """Open an agreement, unless the meter serves the same customer at the same place already."""
    if cells.text("until"):
        return Done(Outcome.UNCHANGED, "it has ended")
    customer = customer_of(cells, context.known)
    if customer is None:
        raise InvalidCell("the row names no customer")
    meter = meter_of(cells, context.known)
    told = agreement_told(cells, context)
    _, is_new = open_or_find(told, customer, meter, context)
    return Done(Outcome.ADDED if is_new else Outcome.UNCHANGED)


@dataclass(frozen=True)
class AgreementTold:
    """What a row says of an agreement."""

    tariff: Tariff
    address: str
    since: datetime | None
    low_credit_threshold_wh: int
    connection_va: int | None


def agreement_told(cells: Cells, context: Context) -> AgreementTold:
    """Return what a row says of an agreement.

    Raises:
        InvalidCell: it can't be read, or there is no such tariff.
    """
    return AgreementTold(
        tariff=tariff_of(cells, context.known),
        address=cells.needed("address"),
        since=cells.instant("since") if cells.text("since") else None,
        low_credit_threshold_wh=cells.wh("low_credit_kwh", 5000),
        connection_va=cells.whole("connection_va") if cells.text("connection_va") else None,
    )


def open_or_find(
    told: AgreementTold, customer: Customer, meter: Meter, context: Context
) -> tuple[SupplyAgreement, bool]:
    """Return the agreement of a row, opened if it was not there, and whether it was.

    Raises:
        RowDiffers: the meter serves somebody else, elsewhere, or on another tariff.
        InvalidAgreement: it can't be opened so.
    """
    there = context.known.find(AGREEMENT_BY_METER, meter.drn)
    if there is None:
        made = customers.open_agreement(
            customer=customer,
            meter=meter,
            by=context.by,
            at=context.at,
            source=context.source,
            premises=context.known.find(PREMISES_BY_ADDRESS, told.address)
            or customers.new_premises(told.address),
            **vars(told),
        )
        context.known.add(made.premises)
        context.known.add(made)
        return made, True
    for what, here, wanted in (
        ("serves", there.customer, customer),
        ("stands at", there.premises.address, told.address),
        ("is on tariff", there.tariff.code, told.tariff.code),
    ):
        if here != wanted:
            raise RowDiffers(
                f"meter {meter} {what} {here}, not {wanted}; end that agreement first"
            )
    return there, False
