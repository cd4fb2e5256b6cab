"""Exact numbers: rounding to a step, and how they are written."""

from __future__ import annotations

from decimal import Decimal

from headend.config.exact import Fraction

HALF_UP, FLOOR, CEIL = "half_up", "floor", "ceil"
MODES = (HALF_UP, FLOOR, CEIL)


def to_whole(number: Fraction, mode: str) -> int:
    """Return a number rounded to a whole one.

    Args:
        number: any exact number.
        mode: `half_up` (halves away from zero), `floor` or `ceil`.
    """
    if mode == FLOOR:
        return number.numerator // number.denominator
    if mode == CEIL:
        return -(-number.numerator // number.denominator)
    if number < 0:
        return -to_whole(-number, mode)
    return (2 * number.numerator + number.denominator) // (2 * number.denominator)


def to_step(number: Fraction, step: Fraction | Decimal, mode: str) -> Fraction:
    """Return a number rounded to a whole number of steps."""
    size = Fraction(step)
    return to_whole(number / size, mode) * size


def plain(number: Fraction | Decimal | int, *, at_least: int = 0, at_most: int = 6) -> str:
    """Return a number with as many decimals as it needs, between two limits; never in powers.

    Args:
        number: any exact number.
        at_least: decimals that are always written.
        at_most: decimals that are written; the rest is rounded half up.
    """
    scaled = to_whole(Fraction(number) * 10**at_most, HALF_UP)
    digits = f"{abs(scaled):0{at_most + 1}d}"
    whole, decimals = (digits[:-at_most], digits[-at_most:]) if at_most else (digits, "")
    decimals = decimals[:at_least] + decimals[at_least:].rstrip("0")
    return ("-" if scaled < 0 else "") + whole + (f".{decimals}" if decimals else "")


def as_decimal(number: Fraction) -> Decimal:
    """Return a number as a decimal; one without an end is cut after many places."""
    return Decimal(number.numerator) / Decimal(number.denominator)
