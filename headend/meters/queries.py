"""Finds meters."""

from __future__ import annotations

from headend.config import prepared, statements
from headend.meters.errors import InvalidMeterNumber, MeterNotFound
from headend.meters.models import Meter
from shared.sts import identifiers
from shared.sts.errors import StsError


def meter_numbered(number: str) -> Meter:
    """Return the meter with a DRN (11 or 13 digits) or PAN (18 digits); spaces don't matter.

    Raises:
        InvalidMeterNumber: it has another length, another sign or a wrong check digit.
        MeterNotFound: no meter of that number is registered.
    """
    digits = "".join(number.split())
    is_pan = len(digits) == 18
    try:
        if is_pan:
            identifiers.require_pan(digits)
        else:
            identifiers.require_drn(digits)
    except StsError as error:
        raise InvalidMeterNumber(str(error)) from None
    by_number = statements.METER_BY_PAN if is_pan else statements.METER_BY_DRN
    meter: Meter | None = prepared.first(by_number, digits)
    if meter is None:
        raise MeterNotFound(f"no meter {digits} is registered; register it under Meters")
    return meter
