"""The terms on which a debt is recovered, checked once, and put into words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from headend.debts.errors import InvalidDebt
from headend.debts.models import Debt

LONGEST_PLAN_MONTHS = 240
_LARGEST_PRIORITY = 99


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How a debt is recovered. Fields that the method does not need stay as they are here."""

    method: str  # of Debt.Method
    priority: int = 1
    percent: Decimal = Decimal(0)
    later_percent: Decimal = Decimal(0)  # instead of `percent`, from `later_from` on
    later_from: date | None = None
    amount_minor: int = 0
    instalments: int = 1
    first_due: date | None = None
    cap_per_purchase_minor: int | None = None
    cap_per_month_minor: int | None = None
    blocked_from: date | None = None  # from this day on nothing is sold before the debt is paid

    def check(self) -> None:
        """Refuse terms that would recover nothing or make no sense.

        Raises:
            InvalidDebt: says which and what is possible.
        """
        for is_wrong, remedy in self._rules():
            if is_wrong:
                raise InvalidDebt(remedy)

    def _rules(self) -> list[tuple[bool, str]]:
        by_amount = self.method in (Debt.Method.PER_PURCHASE, Debt.Method.PER_MONTH)
        by_percent = self.method in (Debt.Method.PERCENT, Debt.Method.PERCENT_OWED)
        by_plan = self.method == Debt.Method.INSTALMENTS
        caps = (self.cap_per_purchase_minor, self.cap_per_month_minor)
        return [
            (
                self.method not in Debt.Method.values,
                f"a debt is recovered by {', '.join(Debt.Method.values)}, not by {self.method!r}",
            ),
            (
                not 1 <= self.priority <= _LARGEST_PRIORITY,
                f"a priority is 1 (first) to {_LARGEST_PRIORITY}",
            ),
            (
                by_percent and not 0 < self.percent <= 100,
                "the percent of each purchase is more than 0 and at most 100",
            ),
            (
                (self.later_from is not None) != (self.later_percent != 0)
                or (self.later_from is not None and not by_percent)
                or not 0 <= self.later_percent <= 100,
                "another percent from a day on needs the percent, at most 100, and the day, and "
                "a debt that is recovered by percent",
            ),
            (
                by_amount and self.amount_minor <= 0,
                "the amount to recover each time must be more than zero",
            ),
            (
                by_plan and not 1 <= self.instalments <= LONGEST_PLAN_MONTHS,
                f"there are 1 to {LONGEST_PLAN_MONTHS} instalments",
            ),
            (
                by_plan and self.first_due is None,
                "instalments need the day on which the first one is due",
            ),
            (
                any(cap is not None and cap <= 0 for cap in caps),
                "a cap must be more than zero; leave it empty for none",
            ),
        ]


def terms_of(debt: Debt) -> Terms:
    """Return the terms that a debt has now."""
    return Terms(**{name: getattr(debt, name) for name in Terms.__dataclass_fields__})


def percent_on(debt: Debt, today: date) -> Decimal:
    """Return the percent that a debt recovered by percent asks for on a day."""
    is_later = debt.later_from is not None and debt.later_from <= today
    return debt.later_percent if is_later else debt.percent


def months_due(first_due: date, today: date) -> int:
    """Return how many monthly instalments have fallen due by a day, that day included.

    An instalment is due on the first one's day of each month, or on the month's last day if the
    month is too short for it.
    """
    months = (today.year - first_due.year) * 12 + today.month - first_due.month
    last_day = _days_in(today.year, today.month)
    return months + (today.day >= min(first_due.day, last_day))


def _days_in(year: int, month: int) -> int:
    following = date(year + month // 12, month % 12 + 1, 1)
    return (following - date(year, month, 1)).days
