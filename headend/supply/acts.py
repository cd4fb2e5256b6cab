"""The act on supplies that needs a second person: a refund above the limit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from headend.accounts import approvals
from headend.accounts.models import User
from headend.supply import refunds
from headend.supply.models import Refund, Settlement


@approvals.act(
    refunds.PAY_REFUND,
    title="Pay a refund",
    permission="supply.pay_refund",
    approve_permission="supply.approve_refund",
)
def perform_refund(
    *, arguments: dict[str, Any], by: User, approved_by: User, at: datetime
) -> Refund:
    """Pay the refund that was asked for, unless it was paid meanwhile."""
    return refunds.record(
        Settlement.objects.get(pk=arguments["settlement"]),
        method=arguments["method"],
        reference=arguments["reference"],
        by=by,
        approved_by=approved_by,
        at=at,
    )
