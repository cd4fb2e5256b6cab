"""The STS attributes of which a meter's decoder key is made, and which a key change can alter."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from headend.meters.errors import InvalidMeter
from headend.meters.models import Meter
from shared.sts import identifiers, token_identifier
from shared.sts.errors import StsError

CHANGEABLE = ("sgc", "kt", "krn", "ti", "ken", "base_date")


def attributes_of(meter: Meter) -> dict[str, Any]:
    """Return the attributes that a key change can alter, by name."""
    return {name: getattr(meter, name) for name in CHANGEABLE}


def with_attributes(meter: Meter, attributes: Mapping[str, Any]) -> Meter:
    """Return a copy of a meter, not to be saved, as it is with other key attributes.

    Raises:
        InvalidMeter: no key has such attributes.
    """
    other = copy.copy(meter)
    for name, value in attributes.items():
        setattr(other, name, value)
    try:
        identifiers.require_key_attributes(other.sgc, other.kt, other.krn, other.ti)
        token_identifier.base_seconds(other.base_date)
    except StsError as error:
        raise InvalidMeter(f"meter {meter}: {error}") from None
    return other
