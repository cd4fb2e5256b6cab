"""The vending engine as hypothesis sees it: two supplies, what can happen, what always holds.

Each part of what can happen is a class of rules; `test_engine` puts them together.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from headend.accounts.services import console_user, create_user
from headend.customers.models import SupplyAgreement
from headend.ledger import proofs
from headend.ledger.queries import trial_balance
from headend.tariffs import components as kinds
from headend.tariffs.rules import FeeRecovery, Rounding, TariffRules
from headend.tariffs.services import publish_version
from headend.testing import NOON, make_supply
from headend.vending.models import IssuedToken, SaleLine

money = st.integers(1, 60_000)
which = st.integers(0, 99)

FEE_MINOR = 20_00
# The second supply's: a fee a month that missed months add to, steps, and a tax on both.
FEE_AND_STEPS = TariffRules(
    (
        kinds.PeriodicFee("Network", Decimal(20), kinds.MONTH),
        kinds.Energy(
            "Energy", (kinds.Step(Decimal(50), Decimal(1)), kinds.Step(None, Decimal(2)))
        ),
        kinds.Tax("VAT", Decimal(15), ("Energy", "Network")),
    ),
    Rounding(),
    FeeRecovery(),
)


class Engine(RuleBasedStateMachine):
    """Two supplies at one address, whose customers and premises may come to owe."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction: Any = transaction.atomic()
        self.transaction.__enter__()
        self.by = console_user()
        self.checker = create_user(username="checker", password=None, groups=("approver",))
        self.supplies = [make_supply(), make_supply()]
        self.supplies[1].tariff = publish_version(
            code="steps", name="Steps", valid_from=NOON, rules=FEE_AND_STEPS, by=self.by, at=NOON
        ).tariff
        SupplyAgreement.objects.filter(pk=self.supplies[1].pk).update(
            tariff=self.supplies[1].tariff
        )
        self.at = self.latest = NOON
        self.messages = 0

    def teardown(self) -> None:
        """Forget the example."""
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def new_message(self) -> str:
        """Return a message id that was not used."""
        self.messages += 1
        return f"m{self.messages}"

    @rule(days=st.sampled_from([-1, 1, 5, 31]))
    def time_passes(self, days: int) -> None:
        """A clock may be set back, too, but not before the beginning."""
        self.at = max(NOON, self.at + timedelta(days=days))
        self.latest = max(self.latest, self.at)

    @invariant()
    def every_figure_follows_from_the_ledger(self) -> None:
        """The ledger adds up to zero, and all else is what it says."""
        assert sum(one.amount_minor for one in trial_balance()) == 0
        assert proofs.prove(at=self.at).differences == []

    @invariant()
    def token_identifiers_rise(self) -> None:
        """No identifier comes twice, whatever the clock did."""
        for supply in self.supplies:
            tokens = IssuedToken.objects.filter(meter=supply.meter, tid__isnull=False)
            tids = list(tokens.order_by("pk").values_list("base_date", "tid"))
            assert tids == sorted(set(tids))

    @invariant()
    def no_month_pays_its_fee_twice(self) -> None:
        """However sales are split, repeated or reversed."""
        fees = SaleLine.objects.filter(kind=SaleLine.Kind.FEE, sale__reversal=None)
        taken_minor = sum(fees.values_list("amount_minor", flat=True))
        months = 12 * (self.latest.year - NOON.year) + self.latest.month - NOON.month + 1
        assert taken_minor <= FEE_MINOR * months
