"""What can happen to debts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from headend.accounts import approvals
from headend.debts import acts, queries, services
from headend.debts.errors import BalanceTooSmall
from headend.debts.models import Debt
from headend.debts.terms import Terms
from headend.ledger import chart
from headend.testing import NOON
from headend.tests.engine import Engine, money, which

percents = st.decimals(1, 100, places=2)
days = st.dates(NOON.date(), NOON.date() + timedelta(days=60))
blocked = st.none() | st.none() | days  # most debts never block
rising = st.fixed_dictionaries({"later_percent": percents, "later_from": days})
terms = st.one_of(
    st.builds(
        lambda rises, **told: Terms(**told, **rises),
        st.just({}) | rising,
        method=st.sampled_from(["percent", "percent_owed"]),
        percent=percents,
        priority=st.integers(1, 3),
        cap_per_month_minor=st.none() | money,
        blocked_from=blocked,
    ),
    st.builds(
        Terms,
        method=st.sampled_from(["per_purchase", "per_month"]),
        amount_minor=money,
        cap_per_purchase_minor=st.none() | money,
        blocked_from=blocked,
    ),
    st.builds(
        Terms,
        method=st.just("instalments"),
        instalments=st.integers(1, 12),
        first_due=days,
        blocked_from=blocked,
    ),
)


class Debts(Engine):
    """Debts are opened, written off, adjusted, and given other terms; sales collect them."""

    def a_debt(self, number: int) -> Debt:
        """Return one of the debts."""
        debts = Debt.objects.order_by("pk")
        return debts[number % len(debts)]

    @rule(number=which, is_customers=st.booleans(), amount_minor=money, terms=terms)
    def owe(self, number: int, is_customers: bool, amount_minor: int, terms: Terms) -> None:
        """A customer or the premises comes to owe."""
        supply = self.home(number).supply
        debt = services.open_debt(
            owner=supply.customer if is_customers else supply.premises,
            title="Arrears",
            amount_minor=amount_minor,
            terms=terms,
            by=self.by,
            at=self.at,
        )
        self.books.owed_minor[debt.pk] = amount_minor
        self.books.add(chart.OPENING_DEBTS, -amount_minor)

    @precondition(lambda _: Debt.objects.exists())
    @rule(number=which, terms=terms)
    def change_terms(self, number: int, terms: Terms) -> None:
        """Other terms move no money."""
        debt = self.a_debt(number)
        services.change_terms(debt, terms, by=self.by, at=self.at, reason="test")

    @precondition(lambda _: Debt.objects.exists())
    @rule(number=which, amount_minor=money, is_approved=st.booleans())
    def write_off(self, number: int, amount_minor: int, is_approved: bool) -> None:
        """Only what somebody else approved is written off."""
        debt = self.a_debt(number)
        try:
            request = acts.request_write_off(
                debt, amount_minor, by=self.by, at=self.at, reason="test"
            )
        except BalanceTooSmall:
            assert self.books.owed_minor[debt.pk] < amount_minor
            return
        if is_approved:
            approvals.approve(request, self.checker, self.at)
            self.books.owed_minor[debt.pk] -= amount_minor
            self.books.add(chart.DEBTS_WRITTEN_OFF, amount_minor)

    @precondition(lambda _: Debt.objects.exists())
    @rule(number=which, change_minor=money | money.map(lambda amount: -amount))
    def adjust(self, number: int, change_minor: int) -> None:
        """A debt is raised or lowered, never below nothing."""
        debt = self.a_debt(number)
        try:
            request = acts.request_adjustment(
                debt, change_minor, by=self.by, at=self.at, reason="test"
            )
        except BalanceTooSmall:
            assert self.books.owed_minor[debt.pk] + change_minor < 0
            return
        approvals.approve(request, self.checker, self.at)
        self.books.owed_minor[debt.pk] += change_minor
        self.books.add(chart.DEBT_ADJUSTMENTS, -change_minor)

    @rule(percent=st.integers(0, 100))
    def set_floor(self, percent: int) -> None:
        """What debts must leave changes from now on."""
        services.set_energy_floor(percent=Decimal(percent), by=self.by, at=self.at)

    @invariant()
    def statements_of_debts_add_up(self) -> None:
        """What moved is what is owed."""
        owed = sum(self.books.owed_minor.values())
        assert sum(one.after_minor for one in queries.movements(since=None, until=None)) == owed
