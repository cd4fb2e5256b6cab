"""Acts on debts that need a second person: the ledger moves only when the request is approved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from headend.accounts import approvals
from headend.accounts.models import Approval, User
from headend.debts import services
from headend.debts.errors import BalanceTooSmall, InvalidDebt
from headend.debts.models import Debt
from headend.design import figures

WRITE_OFF = "debts.write_off"
ADJUST = "debts.adjust"


@approvals.act(
    WRITE_OFF,
    title="Write off a debt",
    permission="debts.write_off",
    approve_permission="debts.approve_write_off",
)
def perform_write_off(
    *, arguments: dict[str, Any], by: User, approved_by: User, at: datetime
) -> Debt:
    """Write off what was asked for, unless less than that is owed by now."""
    return services.write_off(
        Debt.objects.get(pk=arguments["debt"]),
        arguments["amount_minor"],
        by=by,
        at=at,
        reason=f"{arguments['reason']} (approved by {approved_by})",
    )


@approvals.act(
    ADJUST,
    title="Adjust a debt",
    permission="debts.adjust",
    approve_permission="debts.approve_adjustment",
)
def perform_adjustment(
    *, arguments: dict[str, Any], by: User, approved_by: User, at: datetime
) -> Debt:
    """Raise or lower a debt as was asked for, unless it would fall below zero."""
    return services.adjust(
        Debt.objects.get(pk=arguments["debt"]),
        arguments["amount_minor"],
        by=by,
        at=at,
        reason=f"{arguments['reason']} (approved by {approved_by})",
    )


def request_write_off(
    debt: Debt, amount_minor: int, *, by: User, at: datetime, reason: str
) -> Approval:
    """Ask for a part of a debt, or all of it, to be given up.

    Args:
        debt: which.
        amount_minor: how much, 1..balance.
        by: who asks; needs debts.write_off.
        at: now.
        reason: why.

    Raises:
        InvalidDebt, BalanceTooSmall: the amount is nothing, or more than is owed.
    """
    if amount_minor <= 0:
        raise InvalidDebt("the amount to write off must be more than zero")
    return _request(WRITE_OFF, "Write off", debt, -amount_minor, by, at, reason)


def request_adjustment(
    debt: Debt, amount_minor: int, *, by: User, at: datetime, reason: str
) -> Approval:
    """Ask for a debt to be raised, or lowered by a negative amount.

    Args:
        debt: which.
        amount_minor: the difference, not 0.
        by: who asks; needs debts.adjust.
        at: now.
        reason: why.

    Raises:
        InvalidDebt, BalanceTooSmall: the amount is nothing, or takes more off than is owed.
    """
    if not amount_minor:
        raise InvalidDebt("the amount to adjust by must not be zero")
    return _request(
        ADJUST, "Raise" if amount_minor > 0 else "Lower", debt, amount_minor, by, at, reason
    )


def _request(
    act: str, verb: str, debt: Debt, change_minor: int, by: User, at: datetime, reason: str
) -> Approval:
    owed, amount = (
        figures.money(minor, currency=debt.currency)
        for minor in (debt.balance_minor, abs(change_minor))
    )
    if debt.balance_minor + change_minor < 0:
        raise BalanceTooSmall(f"only {owed} of “{debt}” is owed; ask for less")
    return approvals.request(
        act,
        {
            "debt": debt.pk,
            "amount_minor": abs(change_minor) if act == WRITE_OFF else change_minor,
            "reason": reason,
        },
        by,
        at,
        reason,
        f"{verb} “{debt}” by {amount}; {owed} is owed",
    )
