"""Take-over of an installed base: a row per meter with all that another system knows.

A row that was taken over is left alone when it comes again, so a sheet can be mended and handed
in anew until nothing is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from headend.customers import services as customers
from headend.customers.models import Customer, SupplyAgreement
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.exchange.cells import Cells, midnight
from headend.exchange.debts import DEBT_BY_REFERENCE, TERMS, is_there, terms_of
from headend.exchange.errors import InvalidCell, RowDiffers
from headend.exchange.kinds import Column, Context, Done, Outcome, register
from headend.exchange.known import By, Known, Lookup, column
from headend.exchange.parties import (
    AGREEMENTS_KNOWN,
    CUSTOMER_BY_REFERENCE,
    METER,
    METERS_KNOWN,
    TARIFFS_KNOWN,
    number_of_meter,
)
from headend.exchange.registers import (
    AGREEMENT,
    DETAILS,
    KEY_ATTRIBUTES,
    PAYMENT_MODE,
    PREMISES_KNOWN,
    agreement_told,
    open_or_find,
    register_or_find,
)
from headend.meters import services as meters
from headend.meters.models import Meter
from headend.vending.free_electricity import month_of
from headend.vending.models import OpeningUse
from headend.vending.opening import record_opening_use
from shared.sts import token_identifier
from shared.sts.errors import StsError

_NONE = "none"

_HISTORY = (
    Column(
        "last_tid",
        "identifier of the last token issued to the meter; the word none if there never was one",
    ),
    Column(
        "last_token_at",
        "or when it was issued: with a zone, else in the utility's",
        example="2026-11-20 16:42",
    ),
    Column("month_to_date_kwh", "issued in the month of as_of before it", True, "120.5"),
    Column("as_of", "when the other system's figures were taken; now if empty"),
    Column(
        "fees_through",
        "last month whose fees were charged; if empty, the month of as_of if anything was issued "
        "in it, else the one before",
    ),
)
_DEBT = tuple(
    Column(f"debt_{column.name}", column.told, example=column.example)
    for column in (
        Column("reference", "if they owe something: the debt's name in the other system"),
        Column("title", "what it is for; Arrears if empty"),
        Column("amount", "what is owed"),
        Column("method", "percent, percent_owed, per_purchase, per_month or instalments"),
        Column("rate", "the percent, the amount each time, or the number of instalments"),
        *TERMS,
    )
)
_AGREEMENT_EVER = By(SupplyAgreement, ("meter__drn",))
_OPENING = By(OpeningUse, ("agreement__meter__drn",))


@register(
    "take-over",
    title="Take-over of an installed base",
    purpose="Takes meters over from another system with customer, key, history and debt.",
    columns=(
        METER,
        *KEY_ATTRIBUTES,
        *_HISTORY,
        Column("customer_reference", "number of the customer in the other system", True, "C-1001"),
        Column("name", "of the customer", True, "Nomsa Dube"),
        *DETAILS,
        *AGREEMENT,
        PAYMENT_MODE,
        *_DEBT,
    ),
    key=("meter",),
    permissions=(
        "customers.add_customer",
        "customers.add_supplyagreement",
        "debts.add_debt",
        "meters.add_meter",
        "meters.change_meter",
        "vending.add_openinguse",
    ),
    lookups=(
        METERS_KNOWN,
        column("customer_reference", CUSTOMER_BY_REFERENCE),
        PREMISES_KNOWN,
        TARIFFS_KNOWN,
        AGREEMENTS_KNOWN,
        Lookup(_AGREEMENT_EVER, lambda cells, _: number_of_meter(cells)),
        Lookup(_OPENING, lambda cells, _: number_of_meter(cells)),
        column("debt_reference", DEBT_BY_REFERENCE),
    ),
    in_batches=True,
)
def take_over(cells: Cells, context: Context) -> Done:
    """Take one meter over, or say that it was. What can't be read is refused before any act."""
    history, owed = _history_told(cells, context), _debt_told(cells)
    agreed = agreement_told(cells, context)
    meter, is_new = register_or_find(cells, context)
    opening = None if is_new else context.known.find(_OPENING, meter.drn)
    if opening is None and not is_new:
        _refuse_in_use(meter, context.known)
    elif opening is not None and opening.agreement.ended_at is not None:
        return Done(Outcome.UNCHANGED, "taken over before; that agreement has ended since")
    if meter.status == Meter.Status.STOCK:
        meters.install_meter(meter, by=context.by, at=context.at, source=context.source)
    customer = _customer(cells, context)
    agreement, is_opened = open_or_find(agreed, customer, meter, context)
    done = Done(Outcome.UNCHANGED)
    if is_opened:
        _take_history(agreement, history, context)
        last_tid = history.last_tid
        said = "no token before" if last_tid is None else f"next token above {last_tid}"
        done = Done(Outcome.ADDED, said)
    if _take_debt(owed, customer, context) and not is_opened:
        done = Done(Outcome.CHANGED, "its debt was added")
    return done


def _refuse_in_use(meter: Meter, known: Known) -> None:
    """Refuse to take over what this system has sold to, whose history is its own."""
    if meter.last_tid is not None or known.find(_AGREEMENT_EVER, meter.drn) is not None:
        raise RowDiffers(
            f"meter {meter} is in use here already; its own history counts, not another system's"
        )


def _customer(cells: Cells, context: Context) -> Customer:
    reference = cells.needed("customer_reference")
    there = context.known.find(CUSTOMER_BY_REFERENCE, reference)
    if there is not None:
        if there.name != cells.needed("name"):
            raise RowDiffers(f"customer {reference} is {there} here, not {cells.text('name')}")
        return there
    made = customers.register_customer(
        name=cells.needed("name"),
        external_reference=reference,
        phone=cells.text("phone"),
        email=cells.text("email"),
        language=cells.text("language") or "en",
        by=context.by,
        at=context.at,
        source=context.source,
    )
    context.known.add(made)
    return made


def _last_tid(cells: Cells) -> int | None:
    """Return the last identifier that was issued; None if there never was one.

    Raises:
        InvalidCell: the row does not say, or says an instant that the base date does not reach.
    """
    told = cells.text("last_tid").lower()
    if told and cells.text("last_token_at"):
        raise InvalidCell("last_tid and last_token_at are both filled; one is enough")
    if told == _NONE:
        return None
    if told:
        return cells.whole("last_tid")
    if not cells.text("last_token_at"):
        raise InvalidCell("fill last_tid or last_token_at; write none for a meter never vended to")
    issued_at = cells.instant("last_token_at")
    base_date = cells.whole("base_date", 2014)
    try:
        return int(token_identifier.from_utc(int(issued_at.timestamp()), base_date))
    except StsError as error:
        raise InvalidCell(f"last_token_at: {error}") from None


@dataclass(frozen=True)
class _History:
    """What a row says that the other system has issued."""

    last_tid: int | None
    issued_wh: int
    as_of: datetime
    fees_through: datetime


def _history_told(cells: Cells, context: Context) -> _History:
    last_tid, issued_wh = _last_tid(cells), cells.wh("month_to_date_kwh")
    as_of = cells.instant("as_of") if cells.text("as_of") else context.at
    if as_of > context.at:
        raise InvalidCell(f"as_of {cells.text('as_of')} has not come yet")
    return _History(last_tid, issued_wh, as_of, _fees_through(cells, as_of, issued_wh))


def _take_history(agreement: SupplyAgreement, history: _History, context: Context) -> None:
    if history.last_tid is not None:
        meters.take_over_token_identifiers(
            agreement.meter,
            last_tid=history.last_tid,
            by=context.by,
            at=context.at,
            source=context.source,
        )
    record_opening_use(
        agreement,
        as_of=history.as_of,
        issued_wh=history.issued_wh,
        fees_through=history.fees_through,
        by=context.by,
        at=context.at,
        source=context.source,
    )


def _fees_through(cells: Cells, as_of: datetime, issued_wh: int) -> datetime:
    """Return the last instant whose fees were charged."""
    this_month = month_of(as_of)
    month = this_month if issued_wh else _month_before(this_month)
    if cells.text("fees_through"):
        month = cells.month("fees_through")
    return as_of if month == this_month else _end_of(month)


def _month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def _end_of(month: date) -> datetime:
    following = (month + timedelta(days=31)).replace(day=1)
    return midnight(following) - timedelta(seconds=1)


@dataclass(frozen=True)
class _Owed:
    """What a row says that a customer owes."""

    reference: str
    title: str
    amount_minor: int
    terms: Terms


def _debt_told(cells: Cells) -> _Owed | None:
    reference = cells.text("debt_reference")
    if not reference:
        if cells.text("debt_amount"):
            raise InvalidCell("debt_reference is empty, so the debt could be taken over twice")
        return None
    return _Owed(
        reference,
        cells.text("debt_title") or "Arrears",
        cells.minor("debt_amount"),
        terms_of(cells, "debt_"),
    )


def _take_debt(owed: _Owed | None, customer: Customer, context: Context) -> bool:
    """Open what the customer owes, if it is not here yet; say whether it was opened."""
    if owed is None or is_there(owed.reference, owed.amount_minor, context.known):
        return False
    debt = open_debt(
        owner=customer,
        title=owed.title,
        amount_minor=owed.amount_minor,
        terms=owed.terms,
        by=context.by,
        at=context.at,
        external_reference=owed.reference,
    )
    context.known.add(debt)
    return True
