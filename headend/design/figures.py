"""Figures as people read them: energy, money, tokens, times and ages.

Pure functions of their input, but that a time is shown in the utility's zone.

Receipts in plain text and pages in HTML use the same ones, so that they never differ.
"""

from __future__ import annotations

import re
from datetime import datetime

from django.utils import timezone

from headend.config import iso4217

# Signs people know better than the code; any other currency shows its ISO 4217 code.
CURRENCY_SIGNS = {
    "ZAR": "R", "EUR": "€", "GBP": "£", "USD": "$", "NGN": "₦", "GHS": "GH₵", "KES": "KSh",
    "INR": "₹", "BDT": "৳",
}  # fmt: skip
THOUSANDS = "\u202f"  # narrow no-break space: reads in every language, is no decimal sign in any

MINUTE, HOUR, DAY = 60, 3600, 86400


def moment(then: datetime) -> str:
    """An instant in the utility's time, with its zone: ``2026-11-21 14:00 SAST``."""
    return f"{timezone.localtime(then):%Y-%m-%d %H:%M %Z}"


def _grouped(whole: int) -> str:
    return f"{whole:,}".replace(",", THOUSANDS)


def kwh(energy_wh: int) -> str:
    """Energy in kWh with one decimal, rounded half away from zero.

    Args:
        energy_wh: watt-hours, of either sign.

    Returns:
        Text such as ``1 234.5``, without the unit.
    """
    tenths = (abs(energy_wh) + 50) // 100
    sign = "−" if energy_wh < 0 and tenths else ""
    return f"{sign}{_grouped(tenths // 10)}.{tenths % 10}"


def exact_kwh(energy_wh: int) -> str:
    """Energy in kWh with the decimals that it needs, at least one: as a tariff issues it.

    Args:
        energy_wh: watt-hours, of either sign.

    Returns:
        Text such as ``5.38``, without the unit.
    """
    if energy_wh % 100 == 0:
        return kwh(energy_wh)
    whole, wh = divmod(abs(energy_wh), 1000)
    return f"{'−' if energy_wh < 0 else ''}{_grouped(whole)}.{wh:03d}".rstrip("0")


def read_kwh(text: str, *, decimals: int = 1) -> int:
    """Read energy as people write it: ``8``, ``7.5``, ``7,5`` or ``1 234.5 kWh``.

    Args:
        text: kWh >= 0, as `kwh` shows it.
        decimals: at most so many, 1..3; a meter's own display has two.

    Returns:
        Watt-hours.

    Raises:
        ValueError: it says something else.
    """
    bare = re.sub(r"\s", "", text).removesuffix("kWh")
    shape = re.fullmatch(rf"([0-9]{{1,12}})(?:[.,]([0-9]{{1,{decimals}}}))?", bare)
    if shape is None:
        most = {1: "one decimal", 2: "two decimals", 3: "three decimals"}[decimals]
        raise ValueError(f"write kWh as 8 or 7.5, with {most} at most")
    return int(shape[1]) * 1000 + int((shape[2] or "").ljust(3, "0"))


def decimal(amount_minor: int, *, digits: int = 2, grouped: bool = True) -> str:
    """Money without its sign: ``1 234.50``.

    Args:
        amount_minor: in the currency's smallest unit, of either sign.
        digits: decimals of the currency, 0..4.
        grouped: whether thousands stand apart.
    """
    whole, rest = divmod(abs(amount_minor), 10**digits)
    text = _grouped(whole) if grouped else str(whole)
    if digits:
        text = f"{text}.{rest:0{digits}d}"
    return f"−{text}" if amount_minor < 0 else text


def money(amount_minor: int, *, currency: str, digits: int | None = None) -> str:
    """Money with its sign or code: ``R 50.00``; below nothing the minus is first: ``−R 50.00``.

    Args:
        amount_minor: in the currency's smallest unit, of either sign.
        currency: ISO 4217 code.
        digits: decimals of the currency, 0..4; if not given, its usual ones.
    """
    if digits is None:
        digits = iso4217.decimals(currency)
    sign = CURRENCY_SIGNS.get(currency, currency)
    minus = "−" if amount_minor < 0 else ""
    return f"{minus}{sign}\u00a0{decimal(abs(amount_minor), digits=digits)}"


def token_groups(digits: str) -> list[str]:
    """A token's 20 digits in groups of four, as they are read aloud and typed."""
    return [digits[at : at + 4] for at in range(0, len(digits), 4)]


def age(then: datetime, now: datetime) -> str:
    """How long ago something was, in words.

    Args:
        then: the time in question, aware.
        now: the time to measure from, aware.

    Returns:
        ``just now``, ``40 s ago``, ``3 min ago``, ``5 h ago``, ``2 days ago`` or, for times to
        come, ``in 3 min``.
    """
    seconds = int((now - then).total_seconds())
    size = abs(seconds)
    if size < 5:
        return "just now"
    if size < MINUTE:
        words = f"{size} s"
    elif size < HOUR:
        words = f"{size // MINUTE} min"
    elif size < 2 * DAY:
        words = f"{size // HOUR} h"
    else:
        words = f"{size // DAY} days"
    return f"{words} ago" if seconds > 0 else f"in {words}"
