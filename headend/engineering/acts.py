"""Engineers' acts that need a second person; `kinds` says which tokens do."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from headend.accounts import approvals
from headend.accounts.models import User
from headend.engineering import key_orders, services
from headend.engineering.kinds import KINDS, Kind
from headend.meters.models import KeyChange, Meter
from headend.vending import key_changes
from headend.vending.models import IssuedToken

_SECOND_PERSON = "engineering.approve_engineering_token"


def _perform(
    kind: Kind, *, arguments: dict[str, Any], by: User, approved_by: User, at: datetime
) -> IssuedToken:
    """Make the token that was asked for."""
    return services.issue_approved(
        kind,
        Meter.objects.get(pk=arguments["meter"]),
        kind.read(arguments["values"]),
        by=by,
        approved_by=approved_by,
        at=at,
        reason=arguments["reason"],
        source=arguments["source"],
    ).token


for _kind in KINDS.values():
    if _kind.two_people:
        approvals.act(
            _kind.act,
            title=f"Token: {_kind.title.lower()}",
            permission=_kind.permission,
            approve_permission=_SECOND_PERSON,
        )(partial(_perform, _kind))


@approvals.act(
    services.REPLACE_ACT,
    title="Credit once more, under the key that the meter has",
    permission="engineering.issue_replacement",
    approve_permission=_SECOND_PERSON,
)
def perform_replacement(
    *, arguments: dict[str, Any], by: User, approved_by: User, at: datetime
) -> IssuedToken:
    """Make the credit again, unless the meter has taken its new key by now."""
    return services.replace_credit(
        IssuedToken.objects.get(pk=arguments["token"]),
        by=by,
        approved_by=approved_by,
        at=at,
        reason=arguments["reason"],
        source=arguments["source"],
    ).token


@approvals.act(
    key_orders.KEY_CHANGE_ACT,
    title="Change a meter's key",
    permission=key_orders.PERMISSION,
    approve_permission="engineering.approve_key_change",
)
def perform_key_change(
    *, arguments: dict[str, Any], by: User, approved_by: User, at: datetime
) -> KeyChange:
    """Prepare the change and give its tokens out to whoever asked."""
    change = key_changes.prepare(
        Meter.objects.get(pk=arguments["meter"]),
        changes=arguments["changes"],
        token_count=arguments["token_count"],
        by=by,
        at=at,
        reason=f"{arguments['reason']} (approved by {approved_by})",
        source=arguments["source"],
    )
    key_changes.issue(change, by=by, at=at)
    return change


ACT_NAMES = frozenset(
    {kind.act for kind in KINDS.values() if kind.two_people}
    | {services.REPLACE_ACT, key_orders.KEY_CHANGE_ACT}
)
