"""Formats supplies' figures and numbers. Pure."""

from __future__ import annotations

import secrets
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from headend.config.exact import Fraction
from headend.design import figures
from headend.tariffs.numbers import plain

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: they are misread
_RANDOM_LENGTH = 8


def new_number(letter: str, at: datetime) -> str:
    """Return a number that tells the day but not how many there were: ``C261122-7K3F9QXM``."""
    tail = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return f"{letter}{at:%y%m%d}-{tail}"


def price_per_kwh(price_minor: Fraction | Decimal | int) -> str:
    """A price of a kWh in the utility's currency: ``R 2.875/kWh``.

    Args:
        price_minor: minor units, exact; written with at most four decimals of the major one.
    """
    price = Fraction(price_minor) / 10**settings.BASE_CURRENCY_MINOR_DIGITS
    sign = figures.CURRENCY_SIGNS.get(settings.BASE_CURRENCY, settings.BASE_CURRENCY)
    return f"{sign}\u00a0{plain(price, at_least=2, at_most=4)}/kWh"


def money(amount_minor: int) -> str:
    """An amount in the utility's currency: ``R 50.00``."""
    return figures.money(
        amount_minor,
        currency=settings.BASE_CURRENCY,
        digits=settings.BASE_CURRENCY_MINOR_DIGITS,
    )
