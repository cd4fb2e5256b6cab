"""The value of foreign money in the base currency: exact, rounded down.

The rule is called "down to the smallest unit": the worth is cut to a whole minor unit of the base
currency, so that nobody is sold more than was paid; what is cut is less than one minor unit, and
receipts state it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headend.config import iso4217
from headend.config.exact import Fraction

if TYPE_CHECKING:
    from headend.currencies.models import Rate


@dataclass(frozen=True)
class Conversion:
    """An amount that was paid in another currency, and what it is worth."""

    rate: Rate
    currency: str
    paid_minor: int  # in minor units of `currency`
    base_currency: str
    worth_minor: int  # in minor units of the base currency
    cut: Fraction  # of one minor unit of the base currency, 0 <= cut < 1


def convert(paid_minor: int, rate: Rate, *, base_digits: int) -> Conversion:
    """Return what an amount is worth at a rate.

    Args:
        paid_minor: in minor units of the rate's currency, >= 0.
        rate: at which.
        base_digits: decimals of the base currency.
    """
    currency = rate.currency_id
    exact = worth(
        paid_minor,
        ratio=rate.ratio,
        digits=iso4217.decimals(currency),
        base_digits=base_digits,
    )
    worth_minor = exact.numerator // exact.denominator
    return Conversion(
        rate=rate,
        currency=currency,
        paid_minor=paid_minor,
        base_currency=rate.base_currency,
        worth_minor=worth_minor,
        cut=exact - worth_minor,
    )


def least_worth(worth_minor: int, rate: Rate, *, base_digits: int) -> int:
    """Return the least amount that is worth so much, in minor units of the rate's currency.

    Args:
        worth_minor: in minor units of the base currency, >= 0.
        rate: at which.
        base_digits: decimals of the base currency.
    """
    of_one = worth(
        1, ratio=rate.ratio, digits=iso4217.decimals(rate.currency_id), base_digits=base_digits
    )
    return math.ceil(worth_minor / of_one)


def worth(paid_minor: int, *, ratio: Fraction, digits: int, base_digits: int) -> Fraction:
    """Return what an amount is worth in minor units of the base currency, not yet rounded.

    Args:
        paid_minor: in minor units of the other currency, >= 0.
        ratio: what one of its units is worth in units of the base currency, > 0.
        digits: decimals of the other currency.
        base_digits: decimals of the base currency.
    """
    return Fraction(paid_minor, 10**digits) * ratio * 10**base_digits
