"""Any history of sales and debts: after each step the ledger is whole and every figure follows."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from headend.accounts import approvals
from headend.accounts.services import console_user, create_user
from headend.debts import acts, queries, services
from headend.debts.errors import BalanceTooSmall
from headend.debts.models import Debt
from headend.debts.terms import Terms
from headend.ledger import proofs
from headend.ledger.queries import balance_minor, trial_balance
from headend.testing import NOON, make_supply
from headend.vending.errors import TenderTooSmall
from headend.vending.models import IssuedToken, Sale
from headend.vending.services import vend

pytestmark = pytest.mark.slow

money = st.integers(1, 60_000)
terms = st.one_of(
    st.builds(
        Terms,
        method=st.just("percent"),
        percent=st.decimals(1, 100, places=2),
        priority=st.integers(1, 3),
        cap_per_month_minor=st.none() | money,
    ),
    st.builds(
        Terms,
        method=st.sampled_from(["per_purchase", "per_month"]),
        amount_minor=money,
        cap_per_purchase_minor=st.none() | money,
    ),
    st.builds(
        Terms,
        method=st.just("instalments"),
        instalments=st.integers(1, 12),
        first_due=st.dates(NOON.date(), NOON.date() + timedelta(days=60)),
    ),
)
which = st.integers(0, 99)


class Engine(RuleBasedStateMachine):
    """Two supplies at one address, whose customers and premises come to owe."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.by = console_user()
        self.checker = create_user(username="checker", password=None, groups=("approver",))
        self.supplies = [make_supply(), make_supply()]
        self.at = NOON
        self.taken_minor = 0

    def teardown(self) -> None:
        """Forget the example."""
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def a_debt(self, number: int) -> Debt:
        """Return one of the debts."""
        debts = Debt.objects.order_by("pk")
        return debts[number % len(debts)]

    @rule(days=st.sampled_from([-1, 1, 5, 31]))
    def time_passes(self, days: int) -> None:
        """A clock may be set back, too, but not before the beginning."""
        self.at = max(NOON, self.at + timedelta(days=days))

    @rule(number=which, tender_minor=money, again=st.booleans())
    def sell(self, number: int, tender_minor: int, again: bool) -> None:
        """A sale adds up, and asking again changes nothing."""
        supply = self.supplies[number % 2]
        for _ in range(1 + again):
            try:
                sale = vend(
                    caller="test",
                    message_id=f"m{self.taken_minor}",
                    meter=supply.meter,
                    tender_minor=tender_minor,
                    operator=self.by,
                    at=self.at,
                )
            except TenderTooSmall:
                return
        self.taken_minor += tender_minor
        assert sum(line.amount_minor for line in sale.lines.all()) == tender_minor
        paid = sum(line.amount_minor for line in sale.lines.all() if line.kind == "debt")
        assert not paid or tender_minor - paid >= tender_minor * queries.energy_floor(at=self.at)
        assert bool(sale.issued_wh) == sale.tokens.exists()

    @rule(number=which, is_customers=st.booleans(), amount_minor=money, terms=terms)
    def owe(self, number: int, is_customers: bool, amount_minor: int, terms: Terms) -> None:
        """A customer or the premises comes to owe."""
        supply = self.supplies[number % 2]
        services.open_debt(
            owner=supply.customer if is_customers else supply.premises,
            title="Arrears",
            amount_minor=amount_minor,
            terms=terms,
            by=self.by,
            at=self.at,
        )

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
            return
        if is_approved:
            approvals.approve(request, self.checker, self.at)

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
            assert debt.balance_minor + change_minor < 0
            return
        approvals.approve(request, self.checker, self.at)

    @rule(percent=st.integers(0, 100))
    def set_floor(self, percent: int) -> None:
        """What debts must leave changes from now on."""
        services.set_energy_floor(percent=Decimal(percent), by=self.by, at=self.at)

    @invariant()
    def every_figure_follows_from_the_ledger(self) -> None:
        """The ledger adds up to zero, and all else is what it says."""
        assert sum(one.amount_minor for one in trial_balance()) == 0
        assert proofs.prove(at=self.at).differences == []
        assert balance_minor("cash.tills", "ZAR") == self.taken_minor
        owed = sum(Debt.objects.values_list("balance_minor", flat=True))
        assert sum(one.after_minor for one in queries.movements(since=None, until=None)) == owed

    @invariant()
    def token_identifiers_rise(self) -> None:
        """No identifier comes twice, whatever the clock did."""
        for supply in self.supplies:
            tokens = IssuedToken.objects.filter(meter=supply.meter).order_by("pk")
            tids = [tid or 0 for tid in tokens.values_list("tid", flat=True)]
            assert tids == sorted(set(tids))
        assert Sale.objects.count() >= IssuedToken.objects.count()


class TestEngine(TestCase):
    """Runs the machine inside a database that forgets."""

    def test_any_history(self) -> None:
        run_state_machine_as_test(
            Engine, settings=settings(max_examples=10, stateful_step_count=15, deadline=None)
        )
