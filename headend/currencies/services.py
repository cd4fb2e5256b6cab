"""Accepts currencies and proposes rates, which a second person approves."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.db import transaction

from headend.accounts import approvals
from headend.accounts.models import Approval, User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config import iso4217
from headend.currencies.errors import InvalidCurrency, InvalidRate
from headend.currencies.models import RATE_DECIMALS, RATE_DIGITS, Currency, Rate, plain
from headend.design import figures

PROPOSE_RATE = "currencies.propose_rate"
LONGEST_HOLD_HOURS = 24 * 366


@transaction.atomic
def accept(
    code: str,
    *,
    is_accepted: bool = True,
    rate_holds_hours: int | None = None,
    by: User,
    at: datetime,
) -> Currency:
    """Say whether customers may pay in a currency; it is of use once it has an approved rate.

    Args:
        code: ISO 4217.
        is_accepted: False to take it no more; its sales and rates stay.
        rate_holds_hours: how long after its beginning a rate may be used, 1..8784; None: until
            the next one begins.
        by: who decides; needs currencies.change_currency.
        at: now.

    Raises:
        InvalidCurrency: there is no such currency, it is the base one, or no such time.
    """
    require(by, "currencies.change_currency")
    code = code.strip().upper()
    if code not in iso4217.DECIMALS:
        raise InvalidCurrency(f"{code!r} is not a currency of ISO 4217, such as USD")
    if code == settings.BASE_CURRENCY:
        raise InvalidCurrency(f"{code} is the base currency, which is always accepted")
    if rate_holds_hours is not None and not 0 < rate_holds_hours <= LONGEST_HOLD_HOURS:
        raise InvalidCurrency(f"a rate is used 1 to {LONGEST_HOLD_HOURS} hours, or has no limit")
    before = Currency.objects.select_for_update().filter(code=code).first()
    currency, _ = Currency.objects.update_or_create(
        code=code, defaults={"is_accepted": is_accepted, "rate_holds_hours": rate_holds_hours}
    )
    audit.record(
        actor=by,
        action="currencies.accept",
        target=currency,
        at=at,
        before=_terms(before) if before else None,
        after=_terms(currency),
    )
    return currency


def propose_rate(
    currency: Currency,
    *,
    units: Decimal,
    base_units: Decimal,
    valid_from: datetime | None = None,
    by: User,
    at: datetime,
    reason: str,
) -> Approval:
    """Ask for a rate: `units` of the currency are worth `base_units` of the base currency.

    Args:
        currency: of which.
        units: > 0, with at most 8 decimals; 1 in "1 USD = 18.25 ZAR".
        base_units: > 0, with at most 8 decimals; 18.25 there.
        valid_from: from when on it holds, in the future; None: from its approval on.
        by: who asks; needs currencies.propose_rate.
        at: now.
        reason: where the rate is from.

    Raises:
        InvalidRate: impossible figures, or it would begin in the past or when another does.
    """
    require(by, PROPOSE_RATE)
    _check(currency, units, base_units, valid_from, at)
    begins = f"from {figures.moment(valid_from)} on" if valid_from else "from approval on"
    return approvals.request(
        PROPOSE_RATE,
        {
            "currency": currency.code,
            "units": plain(units),
            "base_units": plain(base_units),
            "valid_from": valid_from.isoformat() if valid_from else "",
        },
        by,
        at,
        reason,
        f"Exchange rate {plain(units)} {currency} = {plain(base_units)} "
        f"{settings.BASE_CURRENCY} {begins}{_change(currency, units, base_units, at)}",
    )


@approvals.act(
    PROPOSE_RATE,
    title="An exchange rate",
    permission=PROPOSE_RATE,
    approve_permission="currencies.approve_rate",
)
def perform_rate(*, arguments: dict[str, Any], by: User, approved_by: User, at: datetime) -> Rate:
    """Put the rate in force that was asked for, in the transaction of its approval."""
    currency = Currency.objects.select_for_update().get(code=arguments["currency"])
    units, base_units = Decimal(arguments["units"]), Decimal(arguments["base_units"])
    asked = arguments["valid_from"]
    valid_from = datetime.fromisoformat(asked) if asked else None
    _check(currency, units, base_units, valid_from, at)
    rate = Rate.objects.create(
        currency=currency,
        units=units,
        base_currency=settings.BASE_CURRENCY,
        base_units=base_units,
        valid_from=valid_from or at,
        proposed_by=by,
        approved_by=approved_by,
        approved_at=at,
    )
    audit.record(
        actor=approved_by,
        action="currencies.set_rate",
        target=rate,
        at=at,
        after={"rate": rate.words, "valid_from": rate.valid_from, "proposed_by": by.username},
    )
    return rate


def read_figure(text: str) -> Decimal:
    """Read a figure of a rate as people write it: "18.25", "18,25".

    Raises:
        InvalidRate: it is none.
    """
    try:
        return Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        raise InvalidRate(f"{text!r} is not a number, such as 18.25") from None


def _check(
    currency: Currency,
    units: Decimal,
    base_units: Decimal,
    valid_from: datetime | None,
    at: datetime,
) -> None:
    largest, smallest = 10 ** (RATE_DIGITS - RATE_DECIMALS), Decimal(1).scaleb(-RATE_DECIMALS)
    for figure in (units, base_units):
        if not (figure.is_finite() and 0 < figure < largest and figure % smallest == 0):
            raise InvalidRate(
                f"both figures of a rate are more than 0 with at most {RATE_DECIMALS} decimals"
            )
    begins = valid_from or at
    if begins < at:
        raise InvalidRate(
            f"a rate never begins in the past: {figures.moment(begins)} is over, and sales "
            "were made at another one; propose it anew"
        )
    there = currency.rates.filter(valid_from=begins).select_related("currency").first()
    if there is not None:
        raise InvalidRate(f"the rate {there.words} begins at the same instant; choose another")


def _change(currency: Currency, units: Decimal, base_units: Decimal, at: datetime) -> str:
    """Return in words how far a rate is from the one before it, so that a slip is seen."""
    held = currency.rates.filter(valid_from__lte=at, base_currency=settings.BASE_CURRENCY)
    last = held.select_related("currency").order_by("-valid_from").first()
    if last is None:
        return "; the first one"
    by_percent = float((base_units / units) / (last.base_units / last.units) - 1) * 100
    return f"; it was {last.words} ({by_percent:+.2f} %)"


def _terms(currency: Currency) -> dict[str, Any]:
    return {
        "code": currency.code,
        "is_accepted": currency.is_accepted,
        "rate_holds_hours": currency.rate_holds_hours,
    }
