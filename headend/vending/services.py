"""The vend: money in, token out, once per message. The only code that makes sales.

Every vend carries a message id that its caller chose. The same id with the same request gives the
same sale again, so that a caller who got no answer can simply ask again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import IntegrityError, transaction

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config import prepared, statements
from headend.config.errors import NotPermitted
from headend.currencies import queries as currencies
from headend.customers.models import SupplyAgreement
from headend.customers.queries import agreement_of, no_agreement
from headend.fleet.models import Command
from headend.meters.models import Meter
from headend.securitymodule.services import refusals_recorded
from headend.vending import (
    disclosure,
    free_electricity,
    key_change_due,
    messages,
    read_ahead,
    selling,
)
from headend.vending.collection import deductions, deductions_of
from headend.vending.errors import (
    NothingToSend,
    SaleNotFound,
)
from headend.vending.models import (
    Disclosure,
    ReceiptCopy,
    Sale,
)
from headend.vending.quotes import Quote, quote, tender_for
from headend.vendors import seats
from headend.vendors.queries import of_own_vendor


def trial_vend(
    *,
    meter: Meter,
    tender_minor: int,
    at: datetime,
    currency: str = "",
    operator: User | None = None,
    waive_floor: bool = False,
) -> Quote:
    """Say what a vend would give. Nothing is stored and nothing changes.

    Args:
        meter: the meter to vend for.
        tender_minor: money offered, in minor units of `currency`.
        at: the time of sale.
        currency: as of `vend`.
        operator: who would sell; without, it is not asked whether they could.
        waive_floor: as of `vend`.

    Raises:
        Refusal: as `vend` would, for the reasons that can be known before.
    """
    agreement = agreement_of(meter, at=at)
    return _seated(
        _offer(agreement, tender_minor, at, currency=currency, waive_floor=waive_floor), operator
    )


def trial_energy(
    *,
    meter: Meter,
    energy_wh: int,
    at: datetime,
    currency: str = "",
    operator: User | None = None,
    waive_floor: bool = False,
) -> Quote:
    """Say how much money buys so much energy, fees and debts included. Nothing is stored.

    Args:
        meter: the meter to vend for.
        energy_wh: wanted, > 0.
        at: the time of sale.
        currency: in which it will be paid, as of `vend`.
        operator, waive_floor: as of `trial_vend`.

    Returns:
        Quote: of the least that buys it; a smallest unit of a currency may give a little more.

    Raises:
        Refusal: as `vend` would, for the reasons that can be known before.
    """
    agreement = agreement_of(meter, at=at)
    owed = deductions_of(agreement, at=at, waive_floor=waive_floor)
    tender_minor = tender_for(agreement, energy_wh=energy_wh, at=at, deductions_of=owed)
    paid_minor = currencies.least_paid(tender_minor, currency, at=at)
    return _seated(
        _offer(agreement, paid_minor, at, currency=currency, waive_floor=waive_floor), operator
    )


@dataclass(frozen=True)
class VendRequest:
    """A request for a sale.

    Attributes:
        caller: who names the message, for example "user:7"; ids of other callers are unknown.
        message_id: chosen by the caller, 1..64 characters; names this request for ever.
        meter: the meter to vend for.
        tender_minor: money taken, in minor units of `currency`, > 0.
        operator: who sells; needs vending.vend, and fleet.send_token to send. Who belongs to a
            vendor sells on its wallet.
        at: now.
        currency: ISO 4217 code of the money taken; empty for the base currency. Money in another
            one is sold for at the rate in force, at the utility's own tills only.
        send: also queue the token to the meter; not part of what the message id stands for.
        terminal: where it is sold, as the receipt prints it.
        hold_token: keep the token back until `disclosure.disclose`, so that the sale can be
            reversed until then; without effect if it is sent.
        waive_floor: the customer wants debts paid even out of what would be kept for energy.
        allowed: called in the sale's transaction; raises a Refusal if the caller may not sell.
        seat: from where it is sold, if not from where the operator sells.
    """

    caller: str
    message_id: str
    meter: Meter
    tender_minor: int
    operator: User
    at: datetime
    currency: str = ""
    send: bool = False
    terminal: str = ""
    hold_token: bool = False
    waive_floor: bool = False
    allowed: Callable[[], None] = lambda: None
    seat: seats.Seat | None = None


def vend(
    *,
    caller: str,
    message_id: str,
    meter: Meter,
    tender_minor: int,
    operator: User,
    at: datetime,
    currency: str = "",
    send: bool = False,
    terminal: str = "",
    hold_token: bool = False,
    waive_floor: bool = False,
    seat: seats.Seat | None = None,
) -> Sale:
    """Sell energy; arguments as the attributes of `VendRequest`.

    Returns:
        Sale: the new one, or the one this very request made before.

    Raises:
        Refusal: as `carry_out`.
    """
    request = VendRequest(
        caller=caller,
        message_id=message_id,
        meter=meter,
        tender_minor=tender_minor,
        operator=operator,
        at=at,
        currency=currency,
        send=send,
        terminal=terminal,
        hold_token=hold_token,
        waive_floor=waive_floor,
        seat=seat,
    )
    return carry_out(request).sale


def carry_out(asked: VendRequest) -> selling.Sold:
    """Sell energy: sale, ledger entry, token and audit entry in one transaction.

    Args:
        asked: by whom, for which meter, how much.

    Returns:
        Sold: the new sale with what was written, or the one this very request made before.

    Raises:
        MessageConflict: the caller used the id for another request.
        SaleReversed: this very request made a sale that was taken back since.
        Refusal: anything else that forbids the sale; nothing was stored.
    """
    require(asked.operator, "vending.vend")
    messages.require_names(asked.caller, asked.message_id)
    digest = messages.digest_of(
        asked.meter,
        asked.tender_minor,
        currency=asked.currency,
        hold_token=asked.hold_token,
        waive_floor=asked.waive_floor,
    )
    try:
        with refusals_recorded(by=asked.operator, at=asked.at), transaction.atomic():
            return _sold_once(asked, digest)
    except IntegrityError:
        # The same id was used at the same moment for another meter, whose lock is not ours.
        earlier = messages.sale_of(asked.caller, asked.message_id)
        if earlier is None:
            raise
        return selling.Sold(messages.same_request(earlier, digest), None)


def _sold_once(asked: VendRequest, digest: bytes) -> selling.Sold:
    """Return the sale that the request made before, or make it, in the caller's transaction."""
    meter, operator, at = asked.meter, asked.operator, asked.at
    asked.allowed()
    # The meter's row is held from here on; what follows sees what sales before left.
    with prepared.ahead(
        (statements.AGREEMENT_LOCKED, meter.pk),
        (statements.IS_SOLD, asked.caller, asked.message_id),
        *read_ahead.asked_of(operator),
        *read_ahead.foreseen(meter),
    ):
        agreement = read_ahead.locked_agreement(meter)
        if messages.is_sold(asked.caller, asked.message_id):
            earlier = advice(caller=asked.caller, message_id=asked.message_id)
            return selling.Sold(messages.same_request(earlier, digest), None)
        if agreement is None:
            raise no_agreement(meter, at)
        request = selling.Request(
            asked.caller,
            asked.message_id,
            digest,
            operator,
            asked.seat or seats.seat_of(operator),
            at,
            asked.terminal,
            asked.send,
            asked.hold_token,
        )
        with prepared.ahead(*read_ahead.needed(agreement)):
            offer = _offer(
                agreement,
                asked.tender_minor,
                at,
                currency=asked.currency,
                lock=True,
                waive_floor=asked.waive_floor,
            )
            is_enrolled = free_electricity.is_enrolled(agreement)
            sold = selling.sell(offer, request, ends_transaction=not is_enrolled)
    return _with_free_electricity(sold, request) if is_enrolled else sold


def advice(*, caller: str, message_id: str) -> Sale:
    """Return the sale that a message of this caller made: what to ask after a time-out.

    Raises:
        SaleNotFound: it made none; vending again with the same id is safe.
    """
    sale = messages.sale_of(caller, message_id)
    if sale is None:
        raise SaleNotFound(f"there is no sale under message id {message_id}")
    return sale


@transaction.atomic
def reprint(*, sale: Sale, by: User, at: datetime, reason: str = "") -> ReceiptCopy:
    """Count and record one more copy of a receipt; the caller prints it, marked as a copy.

    Args:
        sale: whose receipt is printed again.
        by: who prints; needs vending.reprint_receipt.
        at: now.
        reason: why.

    Raises:
        NotPermitted: it is another vendor's sale.
        SaleReversed: it was taken back.
    """
    require(by, "vending.reprint_receipt")
    require_own(sale, by)
    # Holds the meter's row as well: copies are numbered one at a time.
    disclosure.disclose(sale, to=by, how=Disclosure.How.PRINTED, at=at)
    copy = ReceiptCopy.objects.create(
        sale=sale,
        number=sale.copies.count() + 1,
        printed_by=by,
        printed_at=at,
        reason=reason,
    )
    audit.record(
        actor=by,
        action="vending.reprint",
        target=sale,
        at=at,
        after={"copy": copy.number},
        reason=reason,
    )
    return copy


@transaction.atomic
def send_to_meter(*, sale: Sale, by: User, at: datetime) -> list[Command]:
    """Queue a sale's tokens to their meter in order of entry; earlier credit before a new key.

    Asking again while one is under way, or after it was accepted, queues nothing new.

    Args:
        sale: whose tokens are sent.
        by: who asks; needs fleet.send_token.
        at: now.

    Returns:
        list: the command of each token that is sent.

    Raises:
        NothingToSend: the sale gave no token.
        NotPermitted: it is another vendor's sale.
        SaleReversed: it was taken back.
    """
    require_own(sale, by)
    tokens = key_change_due.to_send(sale)
    if not tokens:
        raise NothingToSend(f"sale {sale} gave no token")
    disclosure.disclose(sale, to=by, how=Disclosure.How.SENT, at=at)
    return [selling.deliver(token, by, at) for token in tokens]


def _offer(
    agreement: SupplyAgreement,
    tender_minor: int,
    at: datetime,
    *,
    currency: str,
    waive_floor: bool,
    lock: bool = False,
) -> Quote:
    """Price a tender, or the worth of one in another currency, of which debts take their part."""
    paid = currencies.converted(tender_minor, currency, at=at)
    if paid is not None:
        tender_minor = paid.worth_minor
    owed = deductions(
        agreement, tender_minor=tender_minor, at=at, lock=lock, waive_floor=waive_floor
    )
    offer = quote(agreement, tender_minor=tender_minor, at=at, deductions=owed)
    return offer if paid is None else replace(offer, paid=paid)


def _seated(offer: Quote, operator: User | None) -> Quote:
    """Return an offer that its operator, if one is named, could sell."""
    if operator is not None:
        seats.check(seats.seat_of(operator), offer.tender_minor, paid=offer.paid)
    return offer


def _with_free_electricity(sold: selling.Sold, request: selling.Request) -> selling.Sold:
    """Put the month's free token beside a sale's, if it is still due; in its transaction."""
    free = free_electricity.grant_with_purchase(sold.sale, by=request.operator, at=request.at)
    if free is None:
        return sold
    if request.send:
        selling.deliver(free.token, request.operator, request.at)
    return selling.Sold(sold.sale, None)


def require_own(sale: Sale, by: User) -> None:
    """Raise NotPermitted if a sale is not one that somebody may see."""
    if not of_own_vendor(Sale.objects.filter(pk=sale.pk), by).exists():
        raise NotPermitted(f"sale {sale} is not one of {by}'s vendor")
