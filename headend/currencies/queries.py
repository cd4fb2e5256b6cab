"""Finds accepted currencies, and a currency's rate at a given time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import DateTimeField, QuerySet, Window
from django.db.models.functions import Lead

from headend.currencies.conversion import Conversion, convert, least_worth
from headend.currencies.errors import (
    AmountWorthless,
    CurrencyNotAccepted,
    NoRateInForce,
    RateTooOld,
)
from headend.currencies.models import Currency, Rate
from headend.design import figures


def is_other(currency: str) -> bool:
    """Say whether a code means another currency than the base one; an empty one means that."""
    return currency not in ("", settings.BASE_CURRENCY)


def converted(paid_minor: int, currency: str, *, at: datetime) -> Conversion | None:
    """Return what money is worth in the base currency now, or None if it is in that already.

    Money in the base currency asks the database nothing.

    Args:
        paid_minor: in minor units of the currency it is in.
        currency: its ISO 4217 code; empty for the base currency.
        at: when it is paid; decides the rate.

    Raises:
        CurrencyNotAccepted, NoRateInForce, RateTooOld: that currency isn't taken now.
        AmountWorthless: it is nothing, or worth less than a minor unit of the base currency.
    """
    if not is_other(currency):
        return None
    rate = rate_in_force(currency, at=at)
    found = convert(paid_minor, rate, base_digits=settings.BASE_CURRENCY_MINOR_DIGITS)
    if found.worth_minor <= 0:
        raise AmountWorthless(
            f"{figures.money(paid_minor, currency=currency)} is worth nothing in "
            f"{rate.base_currency} at {rate.words}; take more"
        )
    return found


def least_paid(worth_minor: int, currency: str, *, at: datetime) -> int:
    """Return the least money in a currency that is worth so much, in its minor units.

    Args:
        worth_minor: in minor units of the base currency, >= 0.
        currency: ISO 4217 code; empty for the base currency.
        at: when it is paid; decides the rate.

    Raises:
        CurrencyNotAccepted, NoRateInForce, RateTooOld: that currency isn't taken now.
    """
    if not is_other(currency):
        return worth_minor
    return least_worth(
        worth_minor,
        rate_in_force(currency, at=at),
        base_digits=settings.BASE_CURRENCY_MINOR_DIGITS,
    )


def rate_in_force(code: str, *, at: datetime) -> Rate:
    """Return the rate of an accepted currency that holds at an instant.

    Raises:
        CurrencyNotAccepted: customers can't pay in it.
        NoRateInForce: its first rate begins later, or is of another base currency.
        RateTooOld: it may not be used so long.
    """
    currency = Currency.objects.filter(code=code, is_accepted=True).first()
    if currency is None:
        accepted = ", ".join([settings.BASE_CURRENCY, *accepted_codes()])
        raise CurrencyNotAccepted(f"{code or 'that'} is not accepted here; pay in {accepted}")
    rate = newest_rate(currency, at=at)
    if rate is None:
        raise NoRateInForce(
            f"{code} has no exchange rate at {figures.moment(at)}; propose one and have it "
            "approved"
        )
    if ended(rate, at=at):
        raise RateTooOld(
            f"the rate {rate.words} is of {figures.moment(rate.valid_from)} and is used "
            f"{currency.rate_holds_hours} hours at most; propose a new one"
        )
    return rate


def ended(rate: Rate, *, at: datetime) -> bool:
    """Say whether a rate is older than its currency lets it be used."""
    hours = rate.currency.rate_holds_hours
    return hours is not None and at >= rate.valid_from + timedelta(hours=hours)


@dataclass(frozen=True)
class Standing:
    """How a currency stands at an instant."""

    currency: Currency
    rate: Rate | None  # the newest that has begun
    is_usable: bool

    @property
    def why_not(self) -> str:
        """Why nothing is sold for it now, in a few words; empty if something is."""
        if self.is_usable:
            return ""
        if not self.currency.is_accepted:
            return "not taken"
        return "rate too old" if self.rate else "no rate yet"


def standing(currency: Currency, *, at: datetime) -> Standing:
    """Return how a currency stands: its rate, and whether something is sold for it."""
    rate = newest_rate(currency, at=at)
    is_held = rate is not None and not ended(rate, at=at)
    return Standing(currency, rate, currency.is_accepted and is_held)


def usable(*, at: datetime) -> list[Rate]:
    """Return the rates at which money in other currencies is taken now, by currency."""
    found = (standing(one, at=at) for one in Currency.objects.filter(is_accepted=True))
    return [one.rate for one in found if one.rate is not None and one.is_usable]


def with_ends(rates: QuerySet[Rate]) -> QuerySet[Rate]:
    """Add to rates `valid_until`: when the next one of their currency begins, or None."""
    return rates.annotate(
        valid_until=Window(
            Lead("valid_from"),
            partition_by="currency_id",
            order_by="valid_from",
            output_field=DateTimeField(),
        )
    )


def newest_rate(currency: Currency, *, at: datetime) -> Rate | None:
    """Return the rate that began last, whether or not anything is sold at it."""
    held = currency.rates.filter(valid_from__lte=at, base_currency=settings.BASE_CURRENCY)
    return held.select_related("currency").order_by("-valid_from").first()


def accepted_codes() -> list[str]:
    """Return the codes of the other currencies that are accepted, whether they have a rate now."""
    return list(Currency.objects.filter(is_accepted=True).values_list("code", flat=True))
