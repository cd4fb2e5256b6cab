"""Turns the head-end's objects into the API's answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headend.accounts.models import Approval, User
from headend.api.errors import ObjectNotFound
from headend.config import iso4217, opaque
from headend.currencies.models import Rate, plain
from headend.customers.models import Customer, SupplyAgreement
from headend.fleet.models import Command
from headend.meters.models import Meter
from headend.tariffs.models import Tariff, TariffVersion
from headend.vending import disclosure, pages
from headend.vending.disclosure import Standing
from headend.vending.models import IssuedToken, Sale, SaleLine
from headend.vending.quotes import WH_PER_TOKEN_UNIT, Quote
from headend.vending.selling import Written

_CREDIT_CLASS = 0


def sale_numbered(receipt_number: str, *, seen_by: User) -> Sale:
    """Return a sale with what its receipt needs.

    Raises:
        ObjectNotFound: there is none of that number, or it is another vendor's.
    """
    found = pages.sale_numbered(receipt_number, seen_by=seen_by).first()
    if found is None:
        raise ObjectNotFound(f"there is no sale {receipt_number}")
    return found


def line(one: Any) -> dict[str, Any]:
    """A line of a quote or of a sale."""
    return {
        "kind": str(one.kind),
        "description": one.description,
        "amount_minor": one.amount_minor,
        "energy_wh": one.energy_wh,
    }


def quote(one: Quote) -> dict[str, Any]:
    """What a vend would give."""
    return {
        "meter": one.meter.drn,
        "customer": one.agreement.customer.name,
        "address": one.agreement.premises.address,
        "tariff": one.tariff_version.tariff.code,
        "currency": one.currency,
        "tender_minor": one.tender_minor,
        "paid": paid(one.paid.paid_minor, one.paid.rate) if one.paid else None,
        "sold_wh": one.sold_wh,
        "issued_wh": one.issued_wh,
        "encoded_wh": one.encoded_wh,
        "lines": [line(each) for each in one.lines],
    }


def sale(
    one: Sale,
    *,
    caller: str,
    standing: Standing | None = None,
    written: Written | None = None,
) -> dict[str, Any]:
    """A sale with lines and tokens; its message id is shown to its own caller only.

    Args:
        one: the sale.
        caller: who asks.
        standing: what became of the sale, where it is known already.
        written: its rows, where they are known already.
    """
    agreement = one.agreement
    standing = standing or disclosure.standing_of(one)
    if written:
        lines: Iterable[SaleLine] = written.lines
        tokens = [_token(each, standing, written.command) for each in written.tokens]
    else:
        lines = one.lines.order_by("position")
        found = one.tokens.select_related("free_grant").order_by("position")
        tokens = [token(each, standing) for each in found]
    return {
        **sale_summary(one, standing),
        "token_held": standing.is_held,
        "message_id": one.message_id if one.caller == caller else None,
        "customer": agreement.customer.name,
        "address": agreement.premises.address,
        "tariff": one.tariff_version.tariff.code,
        "sold_wh": one.sold_wh,
        "encoded_wh": one.encoded_wh,
        "lines": [line(each) for each in lines],
        "tokens": tokens,
    }


def sale_summary(one: Sale, standing: Standing | None = None) -> dict[str, Any]:
    """A sale in a list."""
    standing = standing or disclosure.standing_of(one)
    return {
        "receipt_number": one.receipt_number,
        "meter": one.meter.drn,
        "customer_id": opaque.encode("customers.customer", one.agreement.customer_id),
        "agreement_id": opaque.encode("customers.supplyagreement", one.agreement_id),
        "currency": one.currency,
        "tender_minor": one.tender_minor,
        "paid": paid(one.paid_minor, one.exchange_rate),
        "issued_wh": one.issued_wh,
        "created_at": one.created_at,
        "reversed_at": standing.reversed_at,
    }


def paid(paid_minor: int | None, at_rate: Rate | None) -> dict[str, Any] | None:
    """What was handed over in another currency; None if the tender itself was."""
    if paid_minor is None or at_rate is None:
        return None
    return {"currency": at_rate.currency_id, "paid_minor": paid_minor, "rate": rate(at_rate)}


def rate(one: Rate) -> dict[str, Any]:
    """An exchange rate."""
    return {
        "currency": one.currency_id,
        "decimals": iso4217.decimals(one.currency_id),
        "words": one.words,
        "units": plain(one.units),
        "base_units": plain(one.base_units),
        "valid_from": one.valid_from,
    }


def token(one: IssuedToken, standing: Standing | None = None) -> dict[str, Any]:
    """An issued token and its delivery; digits that nobody may have are null."""
    return _token(one, standing, one.delivery)


def _token(one: IssuedToken, standing: Standing | None, command: Command | None) -> dict[str, Any]:
    is_energy = one.token_class == _CREDIT_CLASS and one.units is not None
    return {
        "id": opaque.id_of(one),
        "digits": disclosure.digits_of(one, standing),
        "meter": one.meter.drn,
        "receipt_number": one.sale.receipt_number if one.sale else None,
        "token_class": one.token_class,
        "subclass": one.subclass,
        "energy_wh": (one.units or 0) * WH_PER_TOKEN_UNIT if is_energy else None,
        "token_identifier": one.tid,
        "purpose": one.purpose,
        "issued_at": one.issued_at,
        "delivery": str(command.state) if command else None,
    }


def customer(one: Customer) -> dict[str, Any]:
    """A customer."""
    return {
        "id": one.pk,
        "name": one.name,
        "phone": one.phone,
        "email": one.email,
        "language": one.language,
        "created_at": one.created_at,
    }


def meter(one: Meter) -> dict[str, Any]:
    """A meter of the register."""
    return {
        "number": one.drn,
        "pan": one.pan,
        "status": str(one.status),
        "intended_payment_mode": str(one.intended_payment_mode),
        "sgc": one.sgc,
        "kt": one.kt,
        "krn": one.krn,
        "ti": one.ti,
        "ken": one.ken,
        "base_date": one.base_date,
        "ea": one.ea,
        "dkga": one.dkga,
        "registered_at": one.registered_at,
    }


def agreement(one: SupplyAgreement) -> dict[str, Any]:
    """A supply agreement."""
    return {
        "id": one.pk,
        "customer_id": one.customer_id,
        "address": one.premises.address,
        "meter": one.meter.drn,
        "tariff": one.tariff.code,
        "low_credit_threshold_wh": one.low_credit_threshold_wh,
        "started_at": one.started_at,
        "ended_at": one.ended_at,
    }


def tariff(one: Tariff) -> dict[str, Any]:
    """A tariff."""
    return {"id": one.pk, "code": one.code, "name": one.name}


def tariff_version(one: TariffVersion) -> dict[str, Any]:
    """What a tariff says from an instant on."""
    return {
        "id": one.pk,
        "valid_from": one.valid_from,
        "currency": one.currency,
        "rules": one.rules,
    }


def approval(one: Approval) -> dict[str, Any]:
    """A request for approval and what became of it."""
    target = opaque.encode(one.target_type, int(one.target_id)) if one.target_id else None
    return {
        "id": one.pk,
        "act": one.act,
        "summary": one.summary,
        "reason": one.reason,
        "state": one.state,
        "requested_at": one.requested_at,
        "decided_by": one.decided_by.username if one.decided_by else None,
        "decided_at": one.decided_at,
        "decision_reason": one.decision_reason,
        "target_type": one.target_type or None,
        "target_id": target,
    }
