"""Alerts for low wallets: once when one falls below its threshold, again after a refill.

Purses are read now and then, never by a sale, and nothing a sale touches is locked or written.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.vendors.errors import InvalidVendor
from headend.vendors.models import Vendor, WalletWatch

SET = "vendors.buy_credit"  # who sees to credit wants the word
LARGEST_MINOR = 10**13


class Looked(NamedTuple):
    """Vendors whose wallets fell below their thresholds since the last look, or rose again."""

    fallen: list[Vendor]
    refilled: list[Vendor]


@transaction.atomic
def set_threshold(
    vendor: Vendor, threshold_minor: int | None, *, by: User, at: datetime
) -> WalletWatch | None:
    """Set the amount below which a vendor's wallet is low.

    Args:
        vendor: whose.
        threshold_minor: in minor units of its currency, > 0; None: no word any more.
        by: who wants it; needs vendors.buy_credit.
        at: now.

    Returns:
        WalletWatch: what is watched; None for nothing.

    Raises:
        InvalidVendor: the threshold is not possible.
    """
    require(by, SET)
    if threshold_minor is not None and not 0 < threshold_minor <= LARGEST_MINOR:
        raise InvalidVendor("a threshold must be more than zero; leave it out for no alert")
    before = WalletWatch.objects.select_for_update().filter(vendor=vendor).first()
    watched = None
    if threshold_minor is None:
        WalletWatch.objects.filter(vendor=vendor).delete()
    else:
        watched, _ = WalletWatch.objects.update_or_create(
            vendor=vendor, defaults={"threshold_minor": threshold_minor}
        )
    audit.record(
        actor=by,
        action="vendors.watch_wallet",
        target=vendor,
        at=at,
        before={"threshold_minor": before.threshold_minor if before else None},
        after={"threshold_minor": threshold_minor},
    )
    return watched


def look(*, at: datetime) -> Looked:
    """Look at the purses of watched vendors, and record which wallets became low or rose again.

    Args:
        at: now.
    """
    watches = WalletWatch.objects.select_related("vendor").annotate(
        available=Coalesce(Sum("vendor__purses__available_minor"), 0)
    )
    found = Looked([], [])
    for watch in watches.order_by("pk"):
        is_low = watch.available < watch.threshold_minor
        if is_low != (watch.low_since is not None) and _noted(watch, is_low, at):
            (found.fallen if is_low else found.refilled).append(watch.vendor)
    return found


@transaction.atomic
def _noted(watch: WalletWatch, is_low: bool, at: datetime) -> bool:
    """Note that a wallet became low or rose; False if another process just did."""
    as_seen = WalletWatch.objects.filter(pk=watch.pk, low_since__isnull=is_low)
    if not as_seen.update(low_since=at if is_low else None):
        return False
    audit.record(
        actor=None,
        action="vendors.wallet_low" if is_low else "vendors.wallet_refilled",
        target=watch.vendor,
        at=at,
        after={
            "available_minor": watch.available,  # type: ignore[attr-defined]
            "threshold_minor": watch.threshold_minor,
            "currency": watch.vendor.currency,
        },
    )
    return True
