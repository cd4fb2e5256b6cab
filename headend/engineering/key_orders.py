"""Changing one meter's key: requested by one person, approved by another, then issued."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from headend.accounts import approvals
from headend.accounts.models import Approval, User
from headend.engineering.services import require_engineer
from headend.fleet.models import Command
from headend.meters.models import KeyChange, Meter
from headend.securitymodule.services import refusals_recorded
from headend.vending import key_changes

KEY_CHANGE_ACT = "engineering.key_change"
PERMISSION = "engineering.issue_key_change"


class _OnlyTrying(Exception):
    """Undoes a trial."""


def order(
    meter: Meter,
    changes: Mapping[str, Any],
    *,
    by: User,
    at: datetime,
    reason: str,
    token_count: int | None = None,
    source: str = "",
) -> Approval:
    """Ask for a meter's key to be changed; what can't be is refused now, not at the approval.

    Args:
        meter: which.
        changes: new values of sgc, kt, krn, ti or base_date; what is left out stays.
        by: who asks; needs engineering.issue_key_change and belongs to no vendor.
        at: now.
        reason: why.
        token_count: 2 or 3 for EA07, 4 for EA11; None chooses.
        source: the channel it was asked for by.

    Raises:
        InvalidKeyChange, KeyChangeUnderWay, KeyRefused, InvalidTokenContent: it can't be.
    """
    require_engineer(by, PERMISSION)
    with refusals_recorded(by=by, at=at):
        change = _tried(meter, changes, by=by, at=at, reason=reason, token_count=token_count)
    told = ", ".join(
        f"{NAMES[name]} {change.before[name]} → {value}"
        for name, value in change.after.items()
        if value != change.before[name]
    )
    return approvals.request(
        KEY_CHANGE_ACT,
        {
            "meter": meter.pk,
            "changes": dict(changes),
            "token_count": token_count,
            "reason": reason,
            "source": source,
        },
        by,
        at,
        reason,
        f"Change the key of meter {meter}: {told}",
    )


# How a person calls each attribute.
NAMES = {
    "sgc": "supply group",
    "kt": "key type",
    "krn": "KRN",
    "ti": "tariff index",
    "ken": "key expiry",
    "base_date": "base date",
}


def _tried(
    meter: Meter, changes: Mapping[str, Any], *, by: User, at: datetime, **more: Any
) -> KeyChange:
    """Prepare the change, undo that again, and return what it would have been."""
    try:
        with transaction.atomic():
            change = key_changes.prepare(meter, changes=changes, by=by, at=at, **more)
            raise _OnlyTrying
    except _OnlyTrying:
        meter.refresh_from_db()
        return change


def send(change: KeyChange, *, by: User, at: datetime) -> list[Command]:
    """Send a key change's tokens to the meter in order of entry.

    Raises:
        KeyChangeOver: it has ended.
        NotPermitted: `by` may not.
    """
    require_engineer(by, PERMISSION)
    with refusals_recorded(by=by, at=at):
        return key_changes.push(change, by=by, at=at)


def mark_entered(change: KeyChange, *, by: User, at: datetime, reason: str) -> None:
    """Note that somebody saw the meter take its new key.

    Raises:
        KeyChangeOver, InvalidKeyChange: it has ended, or its tokens are with nobody yet.
        NotPermitted: `by` may not.
    """
    require_engineer(by, PERMISSION)
    key_changes.mark_entered(
        change, evidence=KeyChange.Evidence.PERSON, by=by, at=at, reason=reason
    )


def withdraw(change: KeyChange, *, by: User, at: datetime, reason: str) -> None:
    """Take a key change back that the meter did not take: it goes on under its old key.

    Raises:
        KeyChangeOver: it has ended.
        NotPermitted: `by` may not.
    """
    require_engineer(by, PERMISSION)
    key_changes.withdraw(change, by=by, at=at, reason=reason)
