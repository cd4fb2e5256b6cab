"""Errors for input that cannot become a token; each carries the number of the like result."""

from shared.sts import result


class StsError(ValueError):
    """Bad input to the STS layer; `code` is the nearest number in `result`."""

    code = 0


class WrongFormat(StsError):
    """Not the digits, length or alphabet that the field has."""

    code = result.FORMAT_ERROR


class OutOfRange(StsError):
    """A number outside the range its field can carry."""

    code = result.RANGE_ERROR


class UnknownFunction(StsError):
    """A class, subclass or algorithm that the standard reserves or we do not have."""

    code = result.FUNCTION_ERROR


class KeyTypeRefused(StsError):
    """A change between key types that the standard does not permit."""

    code = result.KEY_TYPE_ERROR


class KeyExpired(StsError):
    """The token would be issued after the expiry of its vending key."""

    code = result.KEY_EXPIRED_ERROR
