"""What the meter register refuses."""

from headend.config.errors import Refusal


class MeterNotFound(Refusal):
    """No meter has that number."""

    code = "meter_not_found"


class InvalidMeterNumber(Refusal):
    """The number can't be a meter's: wrong length, sign or check digit."""

    code = "meter_number_invalid"


class InvalidMeter(Refusal):
    """The attributes of a meter are impossible, or it is registered already."""

    code = "meter_invalid"


class TokenIdentifiersExhausted(Refusal):
    """The meter's base date has no token identifier left, or has not begun."""

    code = "token_identifiers_exhausted"
