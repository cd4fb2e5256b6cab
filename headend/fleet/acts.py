"""The act on meters that needs a second person: adjusting credit without a token."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from headend.accounts import approvals
from headend.accounts.models import Approval, User
from headend.design.figures import kwh
from headend.fleet import account_orders
from headend.fleet.errors import BadCommand
from headend.fleet.models import Command
from headend.meters.models import Meter
from shared.wire.commands import MOST_ADJUSTED_WH

ADJUST_CREDIT = "fleet.adjust_credit"


@approvals.act(
    ADJUST_CREDIT,
    title="Adjust a meter's credit",
    permission="fleet.adjust_credit",
    approve_permission="fleet.approve_adjustment",
)
def perform_adjustment(
    *, arguments: dict[str, Any], by: User, approved_by: User, at: datetime
) -> Command:
    """Queue the adjustment that was asked for."""
    return account_orders.queue_adjust_credit(
        meter=Meter.objects.get(pk=arguments["meter"]),
        amount_wh=arguments["amount_wh"],
        requested_by=by,
        approved_by=approved_by,
        reason=arguments["reason"],
        at=at,
    )


def request_adjustment(
    meter: Meter, amount_wh: int, *, by: User, at: datetime, reason: str
) -> Approval:
    """Ask for a meter's credit to be raised, or lowered by a negative amount.

    Args:
        meter: whose.
        amount_wh: the difference, not 0, within a GWh either way.
        by: who asks; needs fleet.adjust_credit.
        at: now.
        reason: why.

    Raises:
        BadCommand: nothing, or more than a meter takes.
        NotPermitted: the user may not ask for it.
    """
    if not 0 < abs(amount_wh) <= MOST_ADJUSTED_WH:
        raise BadCommand(f"credit is adjusted by 0.1 to {MOST_ADJUSTED_WH // 1000} kWh at a time")
    verb = "Add" if amount_wh > 0 else "Take"
    to = "to" if amount_wh > 0 else "from"
    return approvals.request(
        ADJUST_CREDIT,
        {"meter": meter.pk, "amount_wh": amount_wh, "reason": reason},
        by,
        at,
        reason,
        f"{verb} {kwh(abs(amount_wh))} kWh {to} the credit of meter {meter.drn}",
    )


def adjustments_waiting(meter: Meter) -> QuerySet[Approval]:
    """Return what was asked for a meter and nobody has decided yet, oldest first."""
    return Approval.objects.filter(
        act=ADJUST_CREDIT, state=Approval.OPEN, arguments__meter=meter.pk
    ).order_by("requested_at", "pk")
