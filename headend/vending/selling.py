"""Writes everything a sale consists of: lines, token, ledger and audit entries, the command."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.utils import timezone

from headend.accounts.models import User
from headend.audit import services as audit
from headend.config import prepared, statements, writing
from headend.fleet.models import Command
from headend.fleet.services import queue_new_token, queue_token
from headend.ledger import services as ledger
from headend.meters.models import KeyChange
from headend.meters.services import allocate_token_identifiers
from headend.securitymodule.services import generate_credit_token
from headend.vending import disclosure, key_change_due
from headend.vending.accounts import account_of
from headend.vending.collection import collect_lines
from headend.vending.models import (
    IssuedToken,
    Sale,
    SaleLine,
    TokenDelivery,
)
from headend.vending.quotes import Quote
from headend.vendors import seats

_RECEIPT_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # 5 bits; no I, L, O, U: misread
_RECEIPT_RANDOM_LENGTH = 10


class _Ids(NamedTuple):
    """Ids of what a sale writes, where they are asked for before."""

    sale: int | None = None
    token: int | None = None
    command: int | None = None


_GIVEN_LATER = _Ids()


class _Token(NamedTuple):
    """A credit token that was made and not written yet."""

    tid: int
    digits: str


class Written(NamedTuple):
    """The rows that were written with a sale."""

    lines: list[SaleLine]
    tokens: list[IssuedToken]  # in order of entry
    command: Command | None  # that takes the one token to the meter


class Sold(NamedTuple):
    """A sale, and what is known of it without asking the database."""

    sale: Sale
    written: Written | None  # None: it is an earlier sale, or more was written than this


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


def sell(offer: Quote, request: Request, *, ends_transaction: bool = False) -> Sold:
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
        return _write(offer, request, change, _GIVEN_LATER)
    with writing.gathering(ends_transaction=ends_transaction):
        ((sale_id, token_id, command_id),) = prepared.rows(statements.NEW_IDS)
        return _write(offer, request, None, _Ids(sale_id, token_id, command_id))


def _write(offer: Quote, request: Request, change: KeyChange | None, ids: _Ids) -> Sold:
    made = _make_token(offer, request.at) if offer.units else None
    sale = _save_sale(offer, request, ids.sale)
    lines = _save_lines(sale, offer)
    if request.hold_token and made and not request.send:
        disclosure.hold(sale, at=request.at)
    tokens = key_change_due.hand_out(change, sale) if change else []
    if made:
        tokens.append(_save_token(sale, offer, request, made, position=len(tokens), pk=ids.token))
    collect_lines(offer.lines)
    _post(sale, offer, request.seat)
    _record(sale, offer, request, made.tid if made else None)
    if change is not None:
        if request.send:
            for token in [*key_change_due.credit_first(change, sale), *tokens]:
                deliver(token, request.operator, request.at)
        return Sold(sale, None)
    command = None
    if tokens and request.send:
        command = _deliver_new(tokens[0], request.operator, request.at, ids.command)
    return Sold(sale, Written(lines, tokens, command))


def _make_token(offer: Quote, at: datetime) -> _Token:
    meter = offer.meter
    (tid,) = allocate_token_identifiers(meter, count=1, at=at)
    return _Token(tid, generate_credit_token(meter, units=offer.units, tid=tid, at=at))


def _save_sale(offer: Quote, request: Request, pk: int | None) -> Sale:
    sale = writing.new(
        Sale,
        pk=pk,
        receipt_number=_new_receipt_number(request.at),
        caller=request.caller,
        message_id=request.message_id,
        request_digest=request.digest,
        meter=offer.meter,
        agreement=offer.agreement,
        tariff_version=offer.tariff_version,
        operator=request.operator,
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
        created_at=request.at,
    )
    writing.save(sale)
    return sale


def _save_lines(sale: Sale, offer: Quote) -> list[SaleLine]:
    lines = [
        writing.new(
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
    writing.save(*lines)
    return lines


def _save_token(
    sale: Sale, offer: Quote, request: Request, made: _Token, *, position: int, pk: int | None
) -> IssuedToken:
    meter = offer.meter
    token = writing.new(
        IssuedToken,
        pk=pk,
        meter=meter,
        sale=sale,
        position=position,
        digits=made.digits,
        token_class=0,
        subclass=0,
        base_date=meter.base_date,
        tid=made.tid,
        units=offer.units,
        krn=meter.krn,
        purpose=f"sale {sale.receipt_number}",
        issued_by=request.operator,
        issued_at=request.at,
    )
    writing.save(token)
    return token


def _record(sale: Sale, offer: Quote, request: Request, tid: int | None) -> None:
    """Write the sale's audit entry."""
    audit.record(
        actor=request.operator,
        action="vending.vend",
        target=sale,
        at=request.at,
        after={
            "meter": offer.meter.drn,
            "tender_minor": offer.tender_minor,
            "currency": offer.currency,
            **_told_of_payment(offer),
            "issued_wh": offer.issued_wh,
            "tid": tid,
        },
        source=request.caller,
    )


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


def deliver(token: IssuedToken, by: User, at: datetime) -> Command:
    """Queue a token to its meter, in the caller's transaction; the same token once.

    Args:
        token: which one.
        by: who asks; needs fleet.send_token.
        at: now.
    """
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
    writing.save(writing.new(TokenDelivery, token=token, command=command))
    return command


def _new_receipt_number(at: datetime) -> str:
    """Return a number that tells the day but not how many sales there were."""
    chance = secrets.randbits(5 * _RECEIPT_RANDOM_LENGTH)
    places = range(0, 5 * _RECEIPT_RANDOM_LENGTH, 5)
    tail = "".join([_RECEIPT_ALPHABET[chance >> place & 31] for place in places])
    return f"{timezone.localtime(at):%y%m%d}-{tail[:5]}-{tail[5:]}"
