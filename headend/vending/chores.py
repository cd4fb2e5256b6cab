"""Watches vendors' wallets: a low one is a work item until credit is bought."""

from __future__ import annotations

from datetime import datetime, timedelta

from headend.config import chores
from headend.fleet.models import WorkItem
from headend.fleet.work_items import open_work_item
from headend.vendors import wallet_watch
from headend.vendors.models import Vendor


@chores.chore("wallets", "Vendors' wallets are looked at", chores.Every(timedelta(minutes=1)))
def look_at_wallets(*, at: datetime) -> chores.Outcome:
    """Have somebody see to wallets that became low; those that rose again need nobody."""
    looked = wallet_watch.look(at=at)
    for vendor in looked.fallen:
        open_work_item(
            kind="vendor",
            cause=_cause(vendor),
            summary=f"the wallet of {vendor} is below its threshold: it has to buy credit soon",
            at=at,
        )
    for vendor in looked.refilled:
        WorkItem.objects.filter(cause=_cause(vendor), closed_at=None).update(closed_at=at)
    if not looked.fallen:
        return chores.Outcome("No wallet became low.")
    return chores.Outcome(f"Became low: {', '.join(map(str, looked.fallen))}.")


def _cause(vendor: Vendor) -> str:
    return f"wallet of vendor {vendor.pk}"
