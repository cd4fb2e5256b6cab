"""The vend protocol: trial vend, vend, advice, reprint, token verify."""

from __future__ import annotations

from datetime import datetime, time
from functools import partial
from typing import Annotated, Any

from django.conf import settings
from django.db.models import Sum
from django.http import HttpResponse
from django.utils import timezone
from ninja import Path, Router

from headend.api import shapes
from headend.api.errors import ScopeMissing, TenderOverLimit
from headend.api.models import ApiKey
from headend.api.once import once
from headend.api.requests import KeyRequest, answered, needs
from headend.api.schemas import (
    CopyOut,
    CurrenciesOut,
    DebtPaymentIn,
    MessageId,
    QuoteOut,
    ReprintIn,
    SaleOut,
    TokenVerifyIn,
    TokenVerifyOut,
    TrialVendIn,
    VendIn,
    text,
)
from headend.currencies.queries import converted, usable
from headend.design import figures
from headend.meters.queries import meter_numbered
from headend.vending import receipts, services, verification
from headend.vending.disclosure import Standing
from headend.vending.models import Sale
from headend.vendors.queries import vendor_of

router = Router(tags=["vend"])
TERMINAL = "API"


def caller_of(key: ApiKey) -> str:
    """Return the name under which a program's message ids are kept: one for all its keys."""
    return f"api:{key.program_id}"


@router.post("/vend/trial", **needs("vend", QuoteOut))
def trial_vend(request: KeyRequest, body: TrialVendIn) -> HttpResponse:
    """Price a vend, or an amount of energy, without changing anything."""
    asked: dict[str, Any] = {
        "meter": meter_numbered(body.meter),
        "currency": body.currency or "",
        "at": timezone.now(),
        "operator": request.auth.program,
        "waive_floor": body.waive_floor,
    }
    quote = (
        services.trial_vend(tender_minor=body.tender_minor, **asked)
        if body.tender_minor is not None
        else services.trial_energy(energy_wh=body.energy_wh or 0, **asked)
    )
    return answered(QuoteOut, shapes.quote(quote))


@router.post("/vend", **needs("vend", SaleOut))
def vend(request: KeyRequest, body: VendIn) -> HttpResponse:
    """Sell energy, once per message id.

    The same id with the same request gives the same sale again. After a time-out ask
    `/vend/advice/{message_id}` or simply send the request again.
    """
    key, now = request.auth, timezone.now()
    meter = meter_numbered(body.meter)
    asked = services.VendRequest(
        caller=caller_of(key),
        message_id=body.message_id,
        meter=meter,
        tender_minor=body.tender_minor,
        currency=body.currency or "",
        operator=key.program,
        at=now,
        send=body.send,
        terminal=body.terminal or TERMINAL,
        hold_token=body.hold_token,
        waive_floor=body.waive_floor,
        allowed=partial(require_within_limits, key, body, now),
    )
    sale, written = services.carry_out(asked)
    # A sale that was vended without holding its token gives it out here and now.
    standing = None if body.hold_token else Standing()
    shown = shapes.sale(sale, caller=asked.caller, standing=standing, written=written)
    return answered(SaleOut, shown)


@router.get("/currencies", **needs("vend", CurrenciesOut))
def currencies(request: KeyRequest) -> dict[str, Any]:
    """List the currencies that customers may pay in now, with their rates."""
    rates = [] if vendor_of(request.auth.program) else usable(at=timezone.now())
    return {
        "base": settings.BASE_CURRENCY,
        "decimals": settings.BASE_CURRENCY_MINOR_DIGITS,
        "others": [shapes.rate(one) for one in rates],
    }


@router.get("/vend/advice/{message_id}", **needs("vend", SaleOut))
def advice(request: KeyRequest, message_id: Path[MessageId]) -> dict[str, Any]:
    """Read what a message of this program sold; `sale_not_found` if nothing."""
    caller = caller_of(request.auth)
    return shapes.sale(services.advice(caller=caller, message_id=message_id), caller=caller)


@router.post("/sales/{receipt_number}/reprint", **needs("vend", CopyOut))
def reprint(
    request: KeyRequest,
    receipt_number: Path[Annotated[str, text(20)]],
    body: ReprintIn,
) -> dict[str, Any]:
    """Return a receipt's text, marked and counted as a copy.

    The receipt shows the token: of another caller's sale only to a key good for tokens:read.
    """
    key, now = request.auth, timezone.now()
    sale = shapes.sale_numbered(receipt_number, seen_by=key.program)
    if sale.caller != caller_of(key) and "tokens:read" not in key.scopes:
        raise ScopeMissing(
            f"this program did not make sale {receipt_number}; its receipt shows a token, for "
            "which the key must be good for tokens:read"
        )

    def act() -> dict[str, Any]:
        copy = services.reprint(sale=sale, by=key.program, at=now, reason=body.reason)
        receipt = receipts.receipt_of(sale, copy_number=copy.number)
        return {
            "receipt_number": sale.receipt_number,
            "copy_number": copy.number,
            "text": receipts.render_text(receipt),
        }

    return once(
        program=key.program,
        message_id=body.message_id,
        request={"reprint": receipt_number} | body.model_dump(),
        at=now,
        act=act,
    )


@router.post("/tokens/verify", **needs("tokens:read", TokenVerifyOut))
def verify_token(request: KeyRequest, body: TokenVerifyIn) -> dict[str, Any]:
    """Tell whether a token was issued here, and for this meter."""
    found = verification.verify(
        meter=meter_numbered(body.meter), digits=body.token, seen_by=request.auth.program
    )
    return {
        "is_issued": found.is_issued,
        "is_for_this_meter": found.is_for_this_meter,
        "token": shapes.token(found.token) if found.token else None,
    }


def require_within_limits(key: ApiKey, body: VendIn | DebtPaymentIn, at: datetime) -> None:
    """Refuse a vend beyond the key's limits; a repeated message does not count.

    The day's limit holds the key's row until the sale is made, so that parallel vends of one key
    can't exceed it together.
    """
    if key.largest_tender_minor is None and key.daily_tender_minor is None:
        return
    if key.daily_tender_minor is not None:
        ApiKey.objects.select_for_update().get(pk=key.pk)
    mine = Sale.objects.filter(caller=caller_of(key))
    if mine.filter(message_id=body.message_id).exists():
        return
    paid = converted(body.tender_minor, body.currency or "", at=at)
    tender_minor = paid.worth_minor if paid else body.tender_minor
    if key.largest_tender_minor is not None and tender_minor > key.largest_tender_minor:
        raise TenderOverLimit(
            f"this key vends at most {_money(key.largest_tender_minor)} at once; split the sale"
        )
    if key.daily_tender_minor is None:
        return
    midnight = timezone.make_aware(datetime.combine(timezone.localdate(at), time.min))
    today = mine.standing().filter(created_at__gte=midnight)
    sold = today.aggregate(sum=Sum("tender_minor"))["sum"] or 0
    if sold + tender_minor > key.daily_tender_minor:
        raise TenderOverLimit(
            f"this program's vends of today would go beyond {_money(key.daily_tender_minor)}; "
            f"{_money(max(0, key.daily_tender_minor - sold))} is left"
        )


def _money(amount_minor: int) -> str:
    return figures.money(amount_minor, currency=settings.BASE_CURRENCY)
