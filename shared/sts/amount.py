"""Amounts as a token carries them: a floating code with 14 bits of mantissa, rounded up.

value = 10^e * m + offset(e), offset(e) = 16384 * (10^e - 1) / 9. Integers throughout, since
floats are off by one step at the range limits.
"""

from shared.sts.errors import OutOfRange

MAXIMUM_UNITS = 18201624
_MANTISSA = 0x3FFF


def _offset(exponent):
    return 16384 * (10**exponent // 9)


def _split(value, last_exponent, downward):
    """Return (exponent, mantissa) of the nearest code that is not below (above) a value."""
    for exponent in range(last_exponent + 1):
        step = 10**exponent
        above = value - _offset(exponent)
        mantissa = above // step if downward else -(-above // step)
        if mantissa <= _MANTISSA:
            return exponent, mantissa
    raise OutOfRange(f"{value} is more than a token can carry")


def decode(value16):
    """Return the number of units (0.1 kWh, 0.1 m3, 0.1 min, or W) of a 16-bit amount."""
    exponent = value16 >> 14
    return 10**exponent * (value16 & _MANTISSA) + _offset(exponent)


def encode(units):
    """Return the 16-bit amount of a whole number of units, rounded up.

    Args:
        units: 0.1 kWh, 0.1 m3 or 0.1 min (credit) or watts (limits), 0..18201624.

    Raises:
        OutOfRange: below zero, or more than the code can carry.
    """
    if not 0 <= units <= MAXIMUM_UNITS:
        raise OutOfRange(f"an amount is 0 to {MAXIMUM_UNITS} units, not {units}")
    exponent, mantissa = _split(units, 3, False)
    return exponent << 14 | mantissa


def decode_currency(sign_exponent, value16):
    """Return a currency amount in 0.00001 of the base currency unit.

    Args:
        sign_exponent: the S&E nibble: sign in bit 3, exponent bits 4..2 below it.
        value16: exponent bits 1..0, then 14 bits of mantissa.
    """
    exponent = (sign_exponent & 7) << 2 | value16 >> 14
    amount = 10**exponent * (value16 & _MANTISSA) + _offset(exponent)
    return -amount if sign_exponent & 8 else amount


def encode_currency(amount):
    """Return (S&E nibble, 16-bit field) of a currency amount, rounded toward plus infinity.

    Args:
        amount: whole number of 0.00001 base currency units; may be negative.

    Raises:
        OutOfRange: more than 31 powers of ten can carry.
    """
    exponent, mantissa = _split(abs(amount), 31, amount < 0)
    sign = 8 if amount < 0 and (exponent or mantissa) else 0
    return sign | exponent >> 2, (exponent & 3) << 14 | mantissa
