"""The vend: money in, token out, once per message. The only code that makes sales.

Every vend carries a message id that its caller chose. The same id with the same request gives the
same sale again, so that a caller who got no answer can simply ask again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
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
from headend.fleet.services import queue_new_token, queue_token
from headend.ledger import services as ledger
from headend.meters.models import KeyChange, Meter
from headend.meters.services import allocate_token_identifiers
from headend.securitymodule.services import generate_credit_token, refusals_recorded
from headend.vending import disclosure, free_electricity, key_change_due
from headend.vending.accounts import account_of
from headend.vending.collection import collect_lines, deductions, deductions_of
from headend.vending.errors import (
    InvalidMessageId,
    MessageConflict,
    NothingToSend,
    SaleNotFound,
    SaleReversed,
)
from headend.vending.models import (
    Disclosure,
    IssuedToken,
    ReceiptCopy,
    Sale,
    SaleLine,
    TokenDelivery,
    Written,
)
from headend.vending.quotes import Quote, quote, tender_for
from headend.vendors import seats
from headend.vendors.queries import of_own_vendor


class _Ids(NamedTuple):
    """Ids of what a sale writes, where they are asked for before."""

    sale: int | None = None
    token: int | None = None
    command: int | None = None


_GIVEN_LATER = _Ids()
_RECEIPT_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # 5 bits; no I, L, O, U: misread
_RECEIPT_RANDOM_LENGTH = 10
_LONGEST_MESSAGE_ID = 64


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
    offer = _offer(agreement, tender_minor, at, currency=currency, waive_floor=waive_floor)
    if operator is not None:
        seats.check(seats.seat_of(operator), offer.tender_minor, paid=offer.paid)
    return offer


def trial_energy(*, meter: Meter, energy_wh: int, at: datetime) -> Quote:
    """Say how much money buys so much energy, fees and debts included. Nothing is stored.

    Args:
        meter: the meter to vend for.
        energy_wh: wanted, > 0.
        at: the time of sale.

    Returns:
        Quote: of the least tender that buys it; it may give a little more.

    Raises:
        Refusal: as `vend` would, for the reasons that can be known before.
    """
    agreement = agreement_of(meter, at=at)
    owed = deductions_of(agreement, at=at)
    tender_minor = tender_for(agreement, energy_wh=energy_wh, at=at, deductions_of=owed)
    return quote(agreement, tender_minor=tender_minor, at=at, deductions=owed(tender_minor))


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
    allowed: Callable[[], None] = lambda: None,
    seat: seats.Seat | None = None,
) -> Sale:
    """Sell energy: sale, ledger entry, token and audit entry in one transaction.

    Args:
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

    Returns:
        Sale: the new one, or the one this very request made before.

    Raises:
        MessageConflict: the caller used the id for another request.
        SaleReversed: this very request made a sale that was taken back since.
        Refusal: anything else that forbids the sale; nothing was stored.
    """
    require(operator, "vending.vend")
    require_names(caller, message_id)
    digest = _digest(
        meter, tender_minor, currency=currency, hold_token=hold_token, waive_floor=waive_floor
    )
    try:
        with refusals_recorded(by=operator, at=at), transaction.atomic():
            allowed()
            # The meter's row is held from here on; what follows sees what sales before left.
            with prepared.ahead(
                (statements.AGREEMENT_LOCKED, meter.pk, at, at),
                (statements.SALE_OF_MESSAGE, caller, message_id),
                *_asked_of(operator),
                *_foreseen(meter, at),
            ):
                agreement = _locked_agreement(meter, at)
                earlier = sale_of(caller, message_id)
                if earlier is not None:
                    return same_request(earlier, digest)
                if agreement is None:
                    raise no_agreement(meter, at)
                seat = seat or seats.seat_of(operator)
                request = Request(
                    caller, message_id, digest, operator, seat, at, terminal, send, hold_token
                )
                with prepared.ahead(*_needed(agreement, at)):
                    offer = _offer(
                        agreement,
                        tender_minor,
                        at,
                        currency=currency,
                        lock=True,
                        waive_floor=waive_floor,
                    )
                    is_enrolled = free_electricity.is_enrolled(agreement)
                    sale = sell(offer, request, ends_transaction=not is_enrolled)
            if is_enrolled:
                _add_free_electricity(sale, request)
            return sale
    except IntegrityError:
        # The same id was used at the same moment for another meter, whose lock is not ours.
        earlier = sale_of(caller, message_id)
        if earlier is None:
            raise
        return same_request(earlier, digest)


def advice(*, caller: str, message_id: str) -> Sale:
    """Return the sale that a message of this caller made: what to ask after a time-out.

    Raises:
        SaleNotFound: it made none; vending again with the same id is safe.
    """
    sale = sale_of(caller, message_id)
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
    """Queue the tokens of a sale to their meter, in order of entry.

    Asking again while one is under way, or after it was accepted, queues nothing new.

    Args:
        sale: whose tokens are sent.
        by: who asks; needs fleet.send_token.
        at: now.

    Returns:
        list: the command of each token.

    Raises:
        NothingToSend: the sale gave no token.
        NotPermitted: it is another vendor's sale.
        SaleReversed: it was taken back.
    """
    require_own(sale, by)
    tokens = list(sale.tokens.order_by("position"))
    if not tokens:
        raise NothingToSend(f"sale {sale} gave no token")
    disclosure.disclose(sale, to=by, how=Disclosure.How.SENT, at=at)
    return [_deliver(token, by, at) for token in tokens]


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


@dataclass(frozen=True)
class Request:
    """Who asks for a sale, under which name, where and when."""

    caller: str
    message_id: str
    digest: bytes
    operator: User
    seat: seats.Seat
    at: datetime
    terminal: str
    send: bool = False
    hold_token: bool = False


def _asked_of(operator: User) -> list[tuple[Any, ...]]:
    """Return what is asked of whoever sells."""
    return [(statements.OPERATOR, operator.pk), (statements.SHIFT, operator.pk)]


def _needed(agreement: SupplyAgreement, at: datetime) -> list[tuple[Any, ...]]:
    """Return what a sale as a rule asks the database for before it writes."""
    served = (
        agreement.pk,
        agreement.tariff_id,
        agreement.customer_id,
        agreement.premises_id,
    )
    return _asked_for(agreement.meter, served, at)


def _foreseen(meter: Meter, at: datetime) -> list[tuple[Any, ...]]:
    """Return what a sale will need if the meter's agreement is the one that it seems to be."""
    seen = tuple(vars(meter).get(name) for name in statements.SEEN_WITH_METER)
    return [] if None in seen else _asked_for(meter, seen, at)


def _asked_for(meter: Meter, served: tuple[Any, ...], at: datetime) -> list[tuple[Any, ...]]:
    agreement, tariff, customer, premises = served
    key = (meter.sgc, meter.kt, meter.krn, meter.base_date, meter.dkga)
    return [
        (statements.TARIFF_VERSION, tariff, at),
        (statements.LAST_STATE, agreement, agreement),
        (statements.DEBTS_LOCKED, customer, premises),
        (statements.VENDING_KEY, *key),
        (statements.IS_ENROLLED, customer, premises),
        (statements.HAS_LINK, meter.pk),
        (statements.NEW_IDS,),
    ]


def _add_free_electricity(sale: Sale, request: Request) -> None:
    """Put the month's free token beside a sale's, if it is still due; in its transaction."""
    free = free_electricity.grant_with_purchase(sale, by=request.operator, at=request.at)
    if free is None:
        return
    sale.written = None
    if request.send:
        _deliver(free.token, request.operator, request.at)


def sell(offer: Quote, request: Request, *, ends_transaction: bool = False) -> Sale:
    """Write everything a sale is. The caller holds the transaction and the meter's lock.

    A new key's tokens come first, if one is due. A payment of which nothing was left for energy
    gives no token.

    Args:
        offer: what is sold.
        request: who asks.
        ends_transaction: the caller does nothing more in the transaction.
    """
    if offer.meter.has_key_change_due:
        change = key_change_due.bring_in(offer.meter, at=request.at) if offer.units else None
        return _written(offer, request, change)
    with prepared.gathering(ends_transaction=ends_transaction):
        ((sale_id, token_id, command_id),) = prepared.rows(statements.NEW_IDS)
        return _written(offer, request, None, _Ids(sale_id, token_id, command_id))


def _written(
    offer: Quote, request: Request, change: KeyChange | None, ids: _Ids = _GIVEN_LATER
) -> Sale:
    meter, at, operator = offer.meter, request.at, request.operator
    tid, digits = None, ""
    if offer.units:
        (tid,) = allocate_token_identifiers(meter, count=1, at=at)
        digits = generate_credit_token(meter, units=offer.units, tid=tid, at=at)
    sale = prepared.new(
        Sale,
        pk=ids.sale,
        receipt_number=_new_receipt_number(at),
        caller=request.caller,
        message_id=request.message_id,
        request_digest=request.digest,
        meter=meter,
        agreement=offer.agreement,
        tariff_version=offer.tariff_version,
        operator=operator,
        vendor=request.seat.vendor,
        till=request.seat.till,
        shift=request.seat.shift,
        tender_minor=offer.tender_minor,
        currency=offer.currency,
        **_handed_over(offer),
        sold_wh=offer.sold_wh,
        issued_wh=offer.issued_wh,
        encoded_wh=offer.encoded_wh,
        calculation=offer.explanation(),
        particulars=_particulars(offer, request),
        created_at=at,
    )
    prepared.save(sale)
    lines = [
        prepared.new(
            SaleLine,
            sale=sale,
            position=position,
            kind=line.kind,
            description=line.description,
            amount_minor=line.amount_minor,
            energy_wh=line.energy_wh,
        )
        for position, line in enumerate(offer.lines)
    ]
    prepared.save(*lines)
    if request.hold_token and offer.units and not request.send:
        disclosure.hold(sale, at=at)
    tokens = key_change_due.hand_out(change, sale) if change else []
    if offer.units:
        token = prepared.new(
            IssuedToken,
            pk=ids.token,
            meter=meter,
            sale=sale,
            position=len(tokens),
            digits=digits,
            token_class=0,
            subclass=0,
            base_date=meter.base_date,
            tid=tid,
            units=offer.units,
            krn=meter.krn,
            purpose=f"sale {sale.receipt_number}",
            issued_by=operator,
            issued_at=at,
        )
        prepared.save(token)
        tokens.append(token)
    collect_lines(offer.lines)
    _post(sale, offer, request.seat)
    audit.record(
        actor=operator,
        action="vending.vend",
        target=sale,
        at=at,
        after={
            "meter": meter.drn,
            "tender_minor": offer.tender_minor,
            "currency": offer.currency,
            **_told_of_payment(offer),
            "issued_wh": offer.issued_wh,
            "tid": tid,
        },
        source=request.caller,
    )
    if change is None:
        sale.written = Written(lines, tokens, None)
    for token in tokens if request.send else ():
        if change is None:
            command = _deliver_new(token, operator, at, ids.command)
            sale.written = Written(lines, tokens, command)
        else:
            _deliver(token, operator, at)
    return sale


def _particulars(offer: Quote, request: Request) -> dict[str, Any]:
    """Return what the receipt prints and may be called otherwise when a copy is printed."""
    meter, vendor, till = offer.meter, request.seat.vendor, request.seat.till
    return {
        "vendor": vendor.name if vendor else "",
        "vendor_tax_number": vendor.tax_number if vendor else "",
        "utility": settings.UTILITY_NAME,
        "utility_tax_number": settings.UTILITY_TAX_NUMBER,
        "operator": str(request.operator),
        "terminal": till.name if till else request.terminal,
        "customer": offer.agreement.customer.name,
        "address": offer.agreement.premises.address,
        "tariff": offer.tariff_version.tariff.name,
        "meter_number": meter.drn,
        "sgc": meter.sgc,
        "krn": meter.krn,
        "ti": meter.ti,
        "ea": meter.ea,
    }


def _handed_over(offer: Quote) -> dict[str, Any]:
    """Return the fields of what was paid in another currency; none in the base one."""
    paid = offer.paid
    if paid is None:
        return {}
    return {
        "paid_minor": paid.paid_minor,
        "exchange_rate": paid.rate,
    }


def _told_of_payment(offer: Quote) -> dict[str, Any]:
    """Return what the audit record tells of money in another currency."""
    paid = offer.paid
    if paid is None:
        return {}
    return {
        "paid_minor": paid.paid_minor,
        "paid_currency": paid.currency,
        "rate": paid.rate.words,
    }


def _post(sale: Sale, offer: Quote, seat: seats.Seat) -> None:
    """Enter the money in the ledger: how it was paid against what the lines are for."""
    currency = offer.currency
    ledger.post(
        at=sale.created_at,
        description=f"Vend {sale.receipt_number}",
        reference=f"sale:{sale.receipt_number}",
        postings=[
            *seats.pay(seat, offer.tender_minor, currency=currency, paid=offer.paid),
            *(
                ledger.Posting(account_of(line), -line.amount_minor, currency)
                for line in offer.lines
            ),
        ],
    )


def require_own(sale: Sale, by: User) -> None:
    """Raise NotPermitted if a sale is not one that somebody may see."""
    if not of_own_vendor(Sale.objects.filter(pk=sale.pk), by).exists():
        raise NotPermitted(f"sale {sale} is not one of {by}'s vendor")


def _deliver(token: IssuedToken, by: User, at: datetime) -> Command:
    command = queue_token(
        meter=token.meter,
        digits=token.digits,
        requested_by=by,
        token_identifier=token.tid,
        at=at,
    )
    TokenDelivery.objects.get_or_create(token=token, command=command)
    return command


def _deliver_new(token: IssuedToken, by: User, at: datetime, command_id: int | None) -> Command:
    command = queue_new_token(
        meter=token.meter,
        digits=token.digits,
        requested_by=by,
        token_identifier=token.tid,
        at=at,
        pk=command_id,
    )
    prepared.save(prepared.new(TokenDelivery, token=token, command=command))
    return command


def _locked_agreement(meter: Meter, at: datetime) -> SupplyAgreement | None:
    """Return the meter's agreement, and hold the meter's row until the transaction ends.

    On SQLite the transaction itself is the lock: it began as the only writer.
    """
    found: SupplyAgreement | None = prepared.first(statements.AGREEMENT_LOCKED, meter.pk, at, at)
    return found


def sale_of(caller: str, message_id: str) -> Sale | None:
    """Return the sale that a message of a caller made, if it made one."""
    found: Sale | None = prepared.first(statements.SALE_OF_MESSAGE, caller, message_id)
    return found


def same_request(sale: Sale, digest: bytes) -> Sale:
    """Return the sale that a repeated message made.

    Raises:
        MessageConflict, SaleReversed: as `vend`.
    """
    if bytes(sale.request_digest) != digest:
        raise MessageConflict(
            f"message id {sale.message_id} already stands for receipt {sale.receipt_number}, "
            "another request; choose a new id"
        )
    if disclosure.is_reversed(sale):
        raise SaleReversed(f"sale {sale} was reversed; to sell again choose a new message id")
    return sale


def _digest(
    meter: Meter, tender_minor: int, *, currency: str, hold_token: bool, waive_floor: bool
) -> bytes:
    wishes = "|hold" * hold_token + "|waive" * waive_floor
    if currencies.is_other(currency):
        wishes += f"|{currency}"
    return hashlib.sha256(f"vend|{meter.pan}|{tender_minor}{wishes}".encode()).digest()


def require_names(caller: str, message_id: str) -> None:
    """Raise InvalidMessageId if a caller or the id it chose can't be kept."""
    for what, text in (("caller", caller), ("message id", message_id)):
        if not 0 < len(text) <= _LONGEST_MESSAGE_ID or not text.isprintable():
            raise InvalidMessageId(
                f"a {what} is 1 to {_LONGEST_MESSAGE_ID} printable characters, not {text!r}"
            )


def _new_receipt_number(at: datetime) -> str:
    """Return a number that tells the day but not how many sales there were."""
    chance = secrets.randbits(5 * _RECEIPT_RANDOM_LENGTH)
    places = range(0, 5 * _RECEIPT_RANDOM_LENGTH, 5)
    tail = "".join([_RECEIPT_ALPHABET[chance >> place & 31] for place in places])
    return f"{at:%y%m%d}-{tail[:5]}-{tail[5:]}"
