"""How supplies' figures and numbers are written. Pure."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.conf import settings

from headend.design import figures

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: they are misread
_RANDOM_LENGTH = 8


def new_number(letter: str, at: datetime) -> str:
    """Return a number that tells the day but not how many there were: ``C261122-7K3F9QXM``."""
    tail = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return f"{letter}{at:%y%m%d}-{tail}"


def money(amount_minor: int) -> str:
    """An amount in the utility's currency: ``R 50.00``."""
    return figures.money(
        amount_minor,
        currency=settings.BASE_CURRENCY,
        digits=settings.BASE_CURRENCY_MINOR_DIGITS,
    )
