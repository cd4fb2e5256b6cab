"""Reverses a sale as if it had never been, as long as its token cannot have been used.

A sale is reversed if it gave no token, if nobody has seen the token (`disclosure`), or if the
meter proves that it was never used and never will be (`unused`). Only the last sale under an
agreement that still stands: fees, carried amounts and steps of later ones were reckoned from it.
Anything else is moved to the right meter instead (`reallocations`).

Everything the sale did is done the other way round in one transaction: its ledger entry is
mirrored, debts are owed again, the wallet and the commission go back, the cash leaves the drawer
of whoever hands it back. The sale stays as it was, with its reversal beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config.errors import NotPermitted
from headend.currencies import exchange
from headend.debts import services as debts
from headend.ledger import chart
from headend.ledger import services as ledger
from headend.ledger.models import Line
from headend.meters.models import Meter
from headend.securitymodule.services import give_back_allowance
from headend.vending import disclosure, unused
from headend.vending.errors import (
    MessageConflict,
    NotLatestSale,
    ReversalRefused,
    SaleNotFound,
    SaleReversed,
    TokenDisclosed,
)
from headend.vending.messages import require_names
from headend.vending.models import IssuedToken, Reallocation, Reversal, Sale
from headend.vending.services import require_own
from headend.vendors import seats, wallet

REFERENCE = "reversal:"
LONGEST_REASON = 200
Basis = Reversal.Basis


_objections: list[Callable[[Sale], str | None]] = []


def objected_by(function: Callable[[Sale], str | None]) -> Callable[[Sale], str | None]:
    """Register a function that says why a sale can't be taken back, or None.

    It is for capabilities that built something on a sale, which a reversal would pull away.
    """
    _objections.append(function)
    return function


_withdrawals: list[Callable[[Sale, User, datetime], None]] = []


def withdrawn_by(
    function: Callable[[Sale, User, datetime], None],
) -> Callable[[Sale, User, datetime], None]:
    """Register a function that ends what was asked for a sale, which is reversed now."""
    _withdrawals.append(function)
    return function


@dataclass(frozen=True)
class Grounds:
    """Why a sale can be taken back, and what the meter told if that is why."""

    basis: Reversal.Basis
    evidence: dict[str, Any]


def reverse(
    *, caller: str, message_id: str, sale: Sale, by: User, at: datetime, reason: str
) -> Reversal:
    """Take a sale back, once per message.

    Args:
        caller: who names the message, as of a vend.
        message_id: chosen by the caller, 1..64 characters; names this request for ever. Ids of
            vends are others.
        sale: which; of the own vendor, or of the utility's tills for its own people.
        by: who hands the money back; needs vending.reverse, and a shift where selling needs one.
        at: now.
        reason: why, in their words.

    Returns:
        Reversal: the new one, or the one this very request made before.

    Raises:
        SaleReversed: it was taken back by another message.
        TokenDisclosed: somebody may have the token, and the meter does not prove it unused.
        NotLatestSale: a later sale under the agreement still stands.
        ReversalRefused: it was moved to another meter, or paid by such a move, or something was
            built on it: its account was settled, or its token issued anew.
        MessageConflict: the caller used the id for another sale.
        AlreadyDecided: a move of it was approved at this moment.
        Refusal: whoever asks can't hand money back now.
    """
    require(by, "vending.reverse")
    require_names(caller, message_id)
    try:
        with transaction.atomic():
            # Requests before the meter: whoever approves one holds it first, too.
            for withdraw in _withdrawals:
                withdraw(sale, by, at)
            Meter.objects.select_for_update().get(pk=sale.meter_id)
            earlier = _reversal_of(caller, message_id)
            if earlier is not None:
                return _same_request(earlier, sale)
            require_own(sale, by)
            grounds = grounds_of(sale)
            seat = _seat_for(sale, by)
            made = record(
                sale, grounds, caller=caller, message_id=message_id, by=by, at=at,
                reason=reason, seat=seat,
            )  # fmt: skip
            take_back(sale, at=at, paid=_hand_back(sale, seat))
            return made
    except IntegrityError:
        # The same id was used at the same moment for a sale to another meter.
        earlier = _reversal_of(caller, message_id)
        if earlier is None:
            raise
        return _same_request(earlier, sale)


def advice(*, caller: str, message_id: str) -> Reversal:
    """Return the reversal that a message of this caller made: what to ask after a time-out.

    Raises:
        SaleNotFound: it made none; asking again with the same id is safe.
    """
    made = _reversal_of(caller, message_id)
    if made is None:
        raise SaleNotFound(f"there is no reversal under message id {message_id}")
    return made


def grounds_of(sale: Sale) -> Grounds:
    """Return why a sale can be taken back now; whoever acts on it holds the meter's row.

    Raises:
        SaleReversed, TokenDisclosed, NotLatestSale, ReversalRefused: it can't.
    """
    earlier = Reversal.objects.filter(sale=sale).first()
    if earlier is not None:
        day = timezone.localdate(earlier.reversed_at)
        raise SaleReversed(f"sale {sale} was reversed already, on {day}")
    _require_not_moved(sale)
    objection = next(filter(None, (objects(sale) for objects in _objections)), None)
    if objection is not None:
        raise ReversalRefused(f"sale {sale} can't be taken back: {objection}")
    later = later_sales(sale).first()
    if later is not None:
        raise NotLatestSale(
            f"sale {later} came after {sale} and was calculated from it; reverse that one first, "
            "or ask for the sale to be moved to the right meter"
        )
    tokens = [token for token in sale.tokens.all() if disclosure.is_paid_for(token)]
    if not tokens:
        return Grounds(Basis.NO_TOKEN, {})
    if disclosure.is_held(sale):
        return Grounds(Basis.NOT_DISCLOSED, {})
    return Grounds(Basis.PROVED_UNUSED, {"tokens": [_proof(token) for token in tokens]})


def later_sales(sale: Sale) -> QuerySet[Sale]:
    """Return the sales under the same agreement that were made later and still stand.

    Later by their numbers: a clock may have been set back between them.
    """
    return Sale.objects.standing().filter(pk__gt=sale.pk, agreement=sale.agreement_id)


def record(
    sale: Sale,
    grounds: Grounds,
    *,
    caller: str,
    message_id: str,
    by: User,
    at: datetime,
    reason: str,
    seat: seats.Seat,
) -> Reversal:
    """Write down that a sale is taken back; call it together with `take_back`."""
    made = Reversal.objects.create(
        sale=sale,
        caller=caller,
        message_id=message_id,
        basis=grounds.basis,
        evidence=grounds.evidence,
        reason=reason[:LONGEST_REASON],
        reversed_by=by,
        reversed_at=at,
        till=seat.till,
        shift=seat.shift,
    )
    audit.record(
        actor=by,
        action="vending.reverse",
        target=sale,
        at=at,
        after={
            "basis": grounds.basis.value,
            "tender_minor": sale.tender_minor,
            "currency": sale.currency,
            **_told_of_payment(sale),
        }
        | grounds.evidence,
        reason=reason,
        source=caller,
    )
    return made


def take_back(sale: Sale, *, at: datetime, paid: Sequence[ledger.Posting]) -> None:
    """Undo what a sale did to the ledger, to debts and to the key's credit ceiling.

    Args:
        sale: which; its meter's row is held.
        at: now.
        paid: where its money goes; they add up to the tender, as credits.
    """
    lines = [line for line in _lines_of(sale) if not _is_payment(line)]
    debts.give_back(
        {
            chart.debt_of(line.account.code): -line.amount_minor
            for line in lines
            if chart.branch(line.account.code) == chart.DEBTS
        }
    )
    for token in sale.tokens.all():
        if disclosure.is_paid_for(token):
            give_back_allowance(
                token.meter,
                sgc=sale.particulars["sgc"],
                krn=token.krn,
                base_date=token.base_date,
                units=token.units or 0,
            )
    ledger.post(
        at=at,
        description=f"Reversal of {sale.receipt_number}",
        reference=f"{REFERENCE}{sale.receipt_number}",
        postings=[*_mirrored(lines), *paid],
    )


def _proof(token: IssuedToken) -> dict[str, Any]:
    proof = unused.proof(token)
    if proof is None:
        raise TokenDisclosed(
            f"the token of sale {token.sale} was given out and meter {token.meter} does not "
            "prove it unused; ask for the sale to be moved to the right meter"
        )
    return proof


def _require_not_moved(sale: Sale) -> None:
    moved = Reallocation.objects.filter(Q(sale=sale) | Q(new_sale=sale)).first()
    if moved is None:
        return
    if moved.sale_id == sale.pk:
        raise ReversalRefused(f"sale {sale} was moved to another meter already: {moved}")
    raise ReversalRefused(f"sale {sale} was paid by a move, not with money: {moved}")


def _seat_for(sale: Sale, by: User) -> seats.Seat:
    """Return from where money is handed back: only where the customer's money is."""
    seat = seats.seat_of(by)
    if (seat.vendor.pk if seat.vendor else None) != sale.vendor_id:
        raise NotPermitted(
            f"sale {sale} is reversed by the people of {sale.vendor}, who have its money"
        )
    return seat


def _hand_back(sale: Sale, seat: seats.Seat) -> list[ledger.Posting]:
    """Give the money back as it was paid: cash, or the vendor's wallet and commission."""
    if sale.exchange_rate is not None and sale.paid_minor is not None:
        seats.pay_out(seat, sale.paid_minor, currency=sale.received_currency)
        return exchange.postings(
            seats.drawer(seat),
            paid_minor=-sale.paid_minor,
            currency=sale.received_currency,
            worth_minor=-sale.tender_minor,
            base_currency=sale.currency,
        )
    seats.pay_out(seat, sale.tender_minor, currency=sale.currency)
    if sale.vendor is None:
        return [ledger.Posting(seats.drawer(seat), -sale.tender_minor, sale.currency)]
    payment = [line for line in _lines_of(sale) if _is_payment(line)]
    wallet.give(
        sale.vendor,
        sum(line.amount_minor for line in payment if line.account.code == sale.vendor.wallet),
    )
    return _mirrored(payment)


def _told_of_payment(sale: Sale) -> dict[str, Any]:
    if sale.paid_minor is None:
        return {}
    return {"paid_minor": sale.paid_minor, "paid_currency": sale.received_currency}


def _lines_of(sale: Sale) -> list[Line]:
    lines = Line.objects.filter(entry__reference=f"sale:{sale.receipt_number}")
    return list(lines.select_related("account").order_by("pk"))


def _is_payment(line: Line) -> bool:
    return chart.branch(line.account.code) in chart.PAID_FROM


def _mirrored(lines: Sequence[Line]) -> list[ledger.Posting]:
    return [ledger.Posting(line.account.code, -line.amount_minor, line.currency) for line in lines]


def _reversal_of(caller: str, message_id: str) -> Reversal | None:
    found = Reversal.objects.filter(caller=caller, message_id=message_id)
    return found.select_related("sale").first()


def _same_request(made: Reversal, sale: Sale) -> Reversal:
    if made.sale_id != sale.pk:
        raise MessageConflict(
            f"message id {made.message_id} already stands for the reversal of {made.sale}; "
            "choose a new id"
        )
    return made
