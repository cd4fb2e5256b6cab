"""How a payment is split between debts and energy. Pure, in whole minor currency units.

Fees come first, then debts by priority, then energy. Debts together never reach into the share of
the tender that the energy floor keeps for energy; what is due beyond that stays owed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from headend.config.exact import Fraction


@dataclass(frozen=True, kw_only=True)
class OpenDebt:
    """One debt as the allocation sees it. Money in minor currency units.

    `method` is a name of METHODS; the fields that a method does not read are ignored.
    """

    key: int
    title: str = ""
    priority: int  # 1 is paid first
    balance_minor: int  # what is owed, >= 0
    method: str
    percent: Decimal = Decimal(0)  # percent: of the tender, percent_owed: of the balance; 0..100
    amount_minor: int = 0  # per_purchase, per_month: how much
    principal_minor: int = 0  # instalments: what was owed at first
    instalments: int = 1  # instalments: in how many equal parts it is paid
    instalments_due: int = 0  # instalments: how many of them have fallen due, from 0 on
    collected_this_month_minor: int = 0
    cap_per_purchase_minor: int | None = None
    cap_per_month_minor: int | None = None
    blocks: bool = False  # nothing is sold before it is paid


@dataclass(frozen=True)
class Payment:
    """What one debt gets of a tender and what is then left of it."""

    key: int
    paid_minor: int
    balance_left_minor: int


@dataclass(frozen=True)
class Allocation:
    """A tender split up: fees, the payments and what is left for energy add up to it."""

    payments: tuple[Payment, ...]  # only of debts that get something, in the order of paying
    left_minor: int

    @property
    def debts_minor(self) -> int:
        """What all debts together get."""
        return sum(payment.paid_minor for payment in self.payments)


def allocate(
    tender_minor: int,
    debts: Sequence[OpenDebt],
    *,
    energy_floor: Decimal,
    fees_minor: int = 0,
) -> Allocation:
    """Split a payment between debts, by priority, and energy.

    Args:
        tender_minor: what the customer hands over, > 0.
        debts: what is owed; equal priorities are paid in the order given.
        energy_floor: smallest share of the tender that debts must leave for energy, 0..1.
        fees_minor: what fees take of the tender before any debt, 0..tender.

    Returns:
        Allocation: payments per debt and what is left for energy; a remainder of nothing is
        valid. What fees leave below the floor is not made up: debts then get nothing.
    """
    reserved_minor = _ceiling(tender_minor * Fraction(energy_floor))
    budget_minor = max(0, tender_minor - fees_minor - reserved_minor)
    payments = []
    for debt in sorted(debts, key=lambda one: one.priority):
        paid_minor = min(demand(debt, tender_minor), budget_minor)
        if not paid_minor:
            continue
        budget_minor -= paid_minor
        payments.append(Payment(debt.key, paid_minor, debt.balance_minor - paid_minor))
    spent_minor = fees_minor + sum(payment.paid_minor for payment in payments)
    return Allocation(payments=tuple(payments), left_minor=tender_minor - spent_minor)


def demand(debt: OpenDebt, tender_minor: int) -> int:
    """Return what a debt asks of a tender by its own rule, before the energy floor.

    Never more than its balance, its cap per purchase or what its cap per month still allows.

    Raises:
        KeyError: a method that is not in METHODS.
    """
    limits = [METHODS[debt.method](debt, tender_minor), debt.balance_minor]
    if debt.cap_per_purchase_minor is not None:
        limits.append(debt.cap_per_purchase_minor)
    if debt.cap_per_month_minor is not None:
        limits.append(debt.cap_per_month_minor - debt.collected_this_month_minor)
    return max(0, min(limits))


def due_by_plan(principal_minor: int, instalments: int, instalments_due: int) -> int:
    """Return what an instalment plan wants paid in all once so many instalments are due.

    Equal parts without interest; a part of a minor unit is asked early rather than late, and the
    last instalment brings the sum to the principal exactly.

    Args:
        principal_minor: what was owed at first, >= 0.
        instalments: number of equal parts, >= 1.
        instalments_due: how many have fallen due; below 0 is none, beyond the last is all.
    """
    counted = min(max(instalments_due, 0), instalments)
    return -(-principal_minor * counted // instalments)


def _percent_of_tender(debt: OpenDebt, tender_minor: int) -> int:
    """A share of each purchase, rounded down to a whole minor unit."""
    return int(tender_minor * Fraction(debt.percent) / 100)


def _percent_of_owed(debt: OpenDebt, _: int) -> int:
    """A share of what is owed at the time, rounded up so that it comes to an end."""
    return _ceiling(debt.balance_minor * Fraction(debt.percent) / 100)


def _per_purchase(debt: OpenDebt, _: int) -> int:
    """The same amount of every purchase."""
    return debt.amount_minor


def _per_month(debt: OpenDebt, _: int) -> int:
    """An amount each month, from the month's first purchases; a missed month is not made up."""
    return debt.amount_minor - debt.collected_this_month_minor


def _instalments(debt: OpenDebt, _: int) -> int:
    """All instalments that are due and not yet paid; missed ones are made up."""
    paid_minor = debt.principal_minor - debt.balance_minor
    return due_by_plan(debt.principal_minor, debt.instalments, debt.instalments_due) - paid_minor


METHODS: dict[str, Callable[[OpenDebt, int], int]] = {
    "percent": _percent_of_tender,
    "percent_owed": _percent_of_owed,
    "per_purchase": _per_purchase,
    "per_month": _per_month,
    "instalments": _instalments,
}


def _ceiling(amount: Fraction) -> int:
    return -(-amount.numerator // amount.denominator)
