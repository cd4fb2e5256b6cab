"""Tells whether a token was issued here, for somebody who is shown 20 digits."""

from __future__ import annotations

from dataclasses import dataclass

from headend.accounts.models import User
from headend.meters.models import Meter
from headend.vending.models import IssuedToken
from headend.vendors.queries import of_own_vendor


@dataclass(frozen=True)
class Verified:
    """What is known of a token."""

    is_issued: bool  # for any meter
    is_for_this_meter: bool
    token: IssuedToken | None  # another vendor's is only confirmed


def verify(*, meter: Meter, digits: str, seen_by: User) -> Verified:
    """Say whether a token was issued here, and for a meter. Nothing changes.

    Args:
        meter: for which it is said to be.
        digits: the token's 20.
        seen_by: who asks.
    """
    issued = IssuedToken.objects.filter(digits=digits).order_by("-pk")
    for_meter = issued.filter(meter=meter)
    return Verified(
        is_issued=issued.exists(),
        is_for_this_meter=for_meter.exists(),
        token=of_own_vendor(for_meter, seen_by, field="sale__vendor").first(),
    )
