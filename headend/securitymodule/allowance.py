"""A key's credit ceiling: how much energy its tokens may still carry.

What is left is spread over several rows. A sale takes from one of them at random; only when that
one has too little are all of them locked and looked at together. So sales do not queue for one
row, and yet the ceiling is never exceeded.
"""

from __future__ import annotations

import secrets

from django.db import transaction
from django.db.models import F, Sum

from headend.securitymodule.errors import CreditCeilingReached
from headend.securitymodule.models import KeyAllowance, VendingKey

SHARES = 16
_UNITS_PER_KWH = 10


def open_allowance(key: VendingKey) -> None:
    """Spread a new key's ceiling over its shares; a key without a ceiling needs none."""
    if key.credit_ceiling_kwh is None:
        return
    whole, rest = divmod(key.credit_ceiling_kwh * _UNITS_PER_KWH, SHARES)
    KeyAllowance.objects.bulk_create(
        KeyAllowance(key=key, share=share, units_left=whole + (share < rest))
        for share in range(SHARES)
    )


def units_left(key: VendingKey) -> int | None:
    """Return how many units of 0.1 kWh the key may still issue; None if it has no ceiling."""
    if key.credit_ceiling_kwh is None:
        return None
    return key.allowances.aggregate(left=Sum("units_left"))["left"] or 0


def draw(key: VendingKey, units: int) -> None:
    """Take units off what the key may still issue; call it in the transaction of the token.

    Args:
        key: the key.
        units: of 0.1 kWh, 0 or more.

    Raises:
        CreditCeilingReached: so much is not left; nothing is taken.
    """
    if key.credit_ceiling_kwh is None:
        return
    if not _draw_from_one(key, units):
        _draw_from_all(key, units)


def give_back(key: VendingKey, units: int) -> None:
    """Return to the key the units of a token that nobody will ever have."""
    share = KeyAllowance.objects.filter(key=key, share=secrets.randbelow(SHARES))
    share.update(units_left=F("units_left") + units)


def _draw_from_one(key: VendingKey, units: int) -> bool:
    """Take units off a share chosen at random; tell whether it had enough.

    PostgreSQL keeps a row locked that another sale emptied while we waited for it. Going on to
    lock all shares in order with that lock in hand could end in a deadlock: it is given back.
    """
    share = KeyAllowance.objects.filter(key=key, share=secrets.randbelow(SHARES))
    with transaction.atomic():
        enough = share.filter(units_left__gte=units)
        drawn = enough.update(units_left=F("units_left") - units)
        transaction.set_rollback(not drawn)
    return bool(drawn)


@transaction.atomic
def _draw_from_all(key: VendingKey, units: int) -> None:
    shares = list(KeyAllowance.objects.select_for_update().filter(key=key).order_by("share"))
    left = sum(share.units_left for share in shares)
    if left < units:
        raise CreditCeilingReached(
            f"the credit ceiling of vending key {key} is reached: it may issue {_kwh(left)} kWh "
            f"more and {_kwh(units)} kWh were asked for; whoever loads keys has to load its next "
            "revision",
            key,
        )
    for share in shares:
        taken = min(units, share.units_left)
        share.units_left -= taken
        units -= taken
    KeyAllowance.objects.bulk_update(shares, ["units_left"])


def _kwh(units: int) -> str:
    return f"{units // _UNITS_PER_KWH}.{units % _UNITS_PER_KWH}"
