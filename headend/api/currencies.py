"""Exchange rates: list them, and propose one for a person to approve."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

from ninja import Path, Router
from pydantic import Field

from headend.api import shapes
from headend.api.approvals import ApprovalOut, request_once
from headend.api.requests import Cursor, KeyRequest, Limit, needs, one_found, page
from headend.api.schemas import CurrencyCode, Instant, MessageIn, Page, RateOut, text
from headend.config.ids import RateId
from headend.currencies import services
from headend.currencies.models import RATE_DECIMALS, RATE_DIGITS, Currency, Rate

router = Router(tags=["currencies"])
_USUAL_LIMIT = 50

Figure = Annotated[
    Decimal, Field(strict=False, gt=0, max_digits=RATE_DIGITS, decimal_places=RATE_DECIMALS)
]


class RateIn(MessageIn):
    """A rate to ask for: `units` of the currency are worth `base_units` of the base currency."""

    units: Figure = Decimal(1)
    base_units: Figure
    valid_from: Annotated[Instant, Field(strict=False)] | None = None  # null: from its approval on
    reason: Annotated[str, text(300)]  # where the rate is from


class HeldRateOut(RateOut):
    """An exchange rate, which holds until the next one of its currency begins."""

    id: RateId
    base_currency: str
    approved_by: str
    approved_at: datetime


@router.get("/currencies/{code}/rates", **needs("rates:request", Page[HeldRateOut]))
def list_rates(
    request: KeyRequest,
    code: Path[CurrencyCode],
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """List the rates of a currency, including future ones, latest start first."""
    rates = _taken(code).rates.select_related("approved_by")
    return page(rates, cursor=cursor, limit=limit, give=_rate, by="valid_from")


@router.post("/currencies/{code}/rates", **needs("rates:request", ApprovalOut))
def request_rate(request: KeyRequest, code: Path[CurrencyCode], body: RateIn) -> dict[str, Any]:
    """Propose an exchange rate; a person decides. Once per message id."""
    ask = partial(
        services.propose_rate,
        _taken(code),
        units=body.units,
        base_units=body.base_units,
        valid_from=body.valid_from,
        reason=body.reason,
    )
    return request_once(request, f"rate {code}", body, ask)


def _taken(code: str) -> Currency:
    return one_found(
        Currency.objects.filter(code=code),
        otherwise=f"{code} is not taken here; a person decides which currencies are",
    )


def _rate(one: Rate) -> dict[str, Any]:
    return shapes.rate(one) | {
        "id": one.pk,
        "base_currency": one.base_currency,
        "approved_by": one.approved_by.username,
        "approved_at": one.approved_at,
    }
