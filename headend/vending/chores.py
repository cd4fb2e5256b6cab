"""Opens work items: for vendors' low wallets, and for whatever begins later than intended because
a clock ran ahead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Model

from headend.audit.models import AuditEntry
from headend.config import chores
from headend.design import figures
from headend.fleet.models import WorkItem
from headend.fleet.work_items import open_work_item
from headend.securitymodule.models import VendingKey
from headend.tariffs.models import TariffVersion
from headend.vendors import wallet_watch
from headend.vendors.models import Vendor

# Several programs' clocks may differ by this much without any of them being wrong.
_CLOCKS_DIFFER = timedelta(minutes=5)
_MAKING = ("securitymodule.load_vending_key", "tariffs.publish")
_AHEAD = "made while the clock was ahead: "


@chores.chore("wallets", "Vendors' wallets are looked at", chores.Every(timedelta(minutes=1)))
def look_at_wallets(*, at: datetime) -> chores.Outcome:
    """Open work items for wallets that became low, and close those of wallets that rose again."""
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


@chores.chore(
    "ahead", "Nothing was made while the clock was ahead", chores.Every(timedelta(minutes=10))
)
def look_ahead(*, at: datetime) -> chores.Outcome:
    """Open work items for keys and tariff versions whose recorded making lies in the future.

    They begin when it says in them, as do those that were meant to begin later; which is meant,
    only a person knows.
    """
    found = {f"{_AHEAD}{row._meta.label_lower} {row.pk}": text for row, text in _made_ahead(at)}
    for cause, text in found.items():
        open_work_item(kind="clock", cause=cause, summary=text, at=at)
    over = WorkItem.objects.filter(cause__startswith=_AHEAD, closed_at=None)
    over.exclude(cause__in=found).update(closed_at=at)
    if not found:
        return chores.Outcome("Nothing was.")
    return chores.Outcome(f"Shown as work items: {'; '.join(found.values())}.")


def _made_ahead(at: datetime) -> Iterator[tuple[VendingKey | TariffVersion, str]]:
    """Yield what was made at a future time and takes effect only then, each with a sentence."""
    keys = VendingKey.objects.filter(active_from__gt=at, pk__in=_recorded_ahead(VendingKey, at))
    for key in keys:
        yield (
            key,
            f"the clock was ahead when key {key} was loaded: it serves from "
            f"{figures.moment(key.active_from)}; load it again if it is needed before",
        )
    versions = TariffVersion.objects.filter(
        valid_from__gt=at, pk__in=_recorded_ahead(TariffVersion, at)
    )
    for version in versions.select_related("tariff"):
        yield (
            version,
            f"the clock was ahead when a version of tariff {version.tariff.code} was made: it "
            f"holds from {figures.moment(version.valid_from)}; hand in another if it is needed "
            "before",
        )


def _recorded_ahead(model: type[Model], at: datetime) -> list[int]:
    """Return the rows that the audit record says were made later than now."""
    made = AuditEntry.objects.filter(
        object_type=model._meta.label_lower, action__in=_MAKING, at__gt=at + _CLOCKS_DIFFER
    )
    return [int(row) for row in made.values_list("object_id", flat=True)]
