"""Meters that report a different key than the register has: they reject every token.

This happens after a key change that was taken back although its tokens had been typed, or when a
meter was registered with a wrong revision, tariff index or supply group. A meter reports these
three; a wrong key type or base date can't be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from headend.audit import services as audit
from headend.fleet.models import MeterState, WorkItem
from headend.fleet.states import on_state
from headend.fleet.work_items import open_work_item
from headend.meters.models import KeyChange, Meter
from headend.vending.key_changes import lock
from headend.vending.key_evidence import NOT_TOLD

TOLD = ("krn", "ti", "sgc")


@on_state
def compare(meter: Meter, state: MeterState, at: datetime) -> None:
    """Open a work item if a meter reports another key than the register has, else close it.

    What differs is looked at again once the state is stored, for the register may just have
    changed, and a sale locks a meter before its link while a report holds the link.
    """
    if _agrees(vars(meter), state.content):
        WorkItem.objects.filter(cause=_cause(meter), closed_at=None).update(closed_at=at)
    else:
        told = {name: state.content.get(name) for name in TOLD}
        transaction.on_commit(partial(tell, meter, told, at), robust=True)


@transaction.atomic
def tell(meter: Meter, told: Mapping[str, Any], at: datetime) -> None:
    """Open a work item for a meter whose key is neither the register's nor the one before it.

    The key before is right for as long as the tokens of a key change may not be entered yet.

    Args:
        meter: which.
        told: what it told of its key: krn, ti and sgc.
        at: when it told so.
    """
    lock(meter)
    under_way = KeyChange.objects.filter(meter=meter, state=KeyChange.State.ISSUED).first()
    registered = {name: getattr(meter, name) for name in TOLD}
    if _agrees(registered, told) or (under_way is not None and _agrees(under_way.before, told)):
        return
    if difference(meter) is not None:
        return
    item = open_work_item(
        kind="key",
        cause=_cause(meter),
        summary=f"meter {meter} tells that it has {_words(told)}, the register has "
        f"{_words(registered)}: it refuses the tokens sold for it. Make a key change to what it "
        "tells and give its tokens out; the meter's next report confirms it",
        at=at,
        meter=meter,
    )
    audit.record(
        actor=None,
        action="vending.key_differs",
        target=meter,
        at=at,
        after={"told": dict(told), "registered": registered},
        reason=item.summary,
    )


def difference(meter: Meter) -> WorkItem | None:
    """Return the open work item about a meter that reports another key, if there is one."""
    return WorkItem.objects.filter(cause=_cause(meter), closed_at=None).first()


def _agrees(registered: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    """Say whether a meter reports this key; after two-token changes it can't tell its group."""
    names = TOLD[:2] if told.get("sgc") == NOT_TOLD else TOLD
    return all(registered[name] == told.get(name) for name in names)


def _words(key: Mapping[str, Any]) -> str:
    return f"revision {key['krn']}, tariff index {key['ti']}, supply group {key['sgc']}"


def _cause(meter: Meter) -> str:
    return f"key of meter {meter.pk}"
