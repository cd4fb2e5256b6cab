"""A payment in foreign money in words, for pages and receipts."""

from __future__ import annotations

from headend.config import iso4217
from headend.config.exact import Fraction
from headend.currencies.conversion import Conversion, convert
from headend.currencies.models import Rate
from headend.design import figures

_MORE_DECIMALS = 4  # than the smallest unit has, of what was cut


def statement(paid_minor: int, rate: Rate) -> list[tuple[str, str]]:
    """Return name and value of what a receipt states: paid, rate, its date, what was cut.

    Args:
        paid_minor: in minor units of the rate's currency.
        rate: at which it was taken.
    """
    return of(convert(paid_minor, rate, base_digits=iso4217.decimals(rate.base_currency)))


def of(paid: Conversion) -> list[tuple[str, str]]:
    """Return the same of a payment that is only offered yet."""
    return [
        ("Paid", figures.money(paid.paid_minor, currency=paid.currency)),
        ("Rate", paid.rate.words),
        ("Rate of", figures.moment(paid.rate.valid_from)),
        *([("Rounded off", cut(paid.cut, paid.base_currency))] if paid.cut else []),
    ]


def cut(part: Fraction, currency: str) -> str:
    """Return what was cut to come to a whole minor unit: "R 0.007".

    Args:
        part: of one minor unit, 0 < part < 1.
        currency: ISO 4217 code of the base currency.
    """
    digits = iso4217.decimals(currency)
    shown = int(part * 10**_MORE_DECIMALS)
    if not shown:
        smallest = figures.money(1, currency=currency, digits=digits + _MORE_DECIMALS)
        return f"less than {smallest}"
    while shown % 10 == 0:
        shown //= 10
        digits -= 1
    return figures.money(shown, currency=currency, digits=digits + _MORE_DECIMALS)
