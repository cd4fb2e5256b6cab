"""The vending engine as hypothesis sees it: two homes, what can happen, what always holds.

Each part of what can happen is a class of rules; `test_engine` puts them together.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Count
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from headend.accounts.services import console_user, create_user
from headend.audit import signing
from headend.audit.models import AuditEntry
from headend.audit.verification import verify
from headend.audit.worker import Worker
from headend.campaigns.models import Campaign
from headend.customers.models import SupplyAgreement
from headend.debts.models import Debt
from headend.ledger import checkpoints, proofs
from headend.ledger.models import BankPayment
from headend.ledger.queries import trial_balance
from headend.meters.models import KeyChange
from headend.supply.models import (
    Closing,
    ModeSwitch,
    MoveIn,
    Refund,
    Replacement,
    SecondIssue,
    Settlement,
    SettlementLine,
)  # fmt: skip
from headend.tariffs import components as kinds
from headend.tariffs.rules import FeeRecovery, Rounding, TariffRules
from headend.tariffs.services import publish_version
from headend.testing import NOON, make_supply, make_tariff
from headend.tests.engine_books import Books
from headend.tests.engine_meters import WallMeter
from headend.vending.models import FreeGrant, IssuedToken, Reversal, Sale, SaleLine
from headend.vending.receipts import receipt_of

money = st.integers(1, 60_000)
which = st.integers(0, 99)

FEE_MINOR = 20_00
# The second home's: a fee a month that missed months add to, steps, and a tax on both.
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

# Every one of these was acted on the record: exactly one entry each.
ON_RECORD = {
    "vending.vend": Sale.objects.all(),
    "vending.reverse": Reversal.objects.all(),
    "supply.start_closing": Closing.objects.all(),
    "supply.settle": Settlement.objects.all(),
    "supply.pay_refund": Refund.objects.all(),
    "supply.move_in": MoveIn.objects.all(),
    "supply.replace_meter": Replacement.objects.all(),
    "supply.reissue_token": SecondIssue.objects.all(),
    "supply.settle_mode_switch": ModeSwitch.objects.all(),
    "vending.prepare_key_change": KeyChange.objects.all(),
    "vending.grant_free_electricity": FreeGrant.objects.all(),
    "campaigns.plan": Campaign.objects.all(),
    "ledger.enter_payment": BankPayment.objects.all(),
    "debts.open": Debt.objects.all(),
}


@dataclass
class Home:
    """A place with a meter, who lives there, and the receipts on the kitchen table."""

    supply: SupplyAgreement
    wall: WallMeter
    on_table: list[IssuedToken] = field(default_factory=list)  # tokens not typed yet, in order
    closing: Closing | None = None  # of the last customer, until somebody moves in

    @property
    def is_vacated(self) -> bool:
        """Whether nobody is supplied there."""
        return self.closing is not None

    def type_all(self) -> list[str]:
        """Type every token on the table, in order; return what the meter says to each."""
        answers = [self.wall.enter(token.digits) for token in self.on_table]
        self.on_table = []
        return answers


class Engine(RuleBasedStateMachine):
    """Two homes at one address, whose customers and premises may come to owe."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction: Any = transaction.atomic()
        self.transaction.__enter__()
        self.folder = tempfile.TemporaryDirectory()
        self.seals = Path(self.folder.name)
        self.sealer = Worker(self.seals)
        self.by = console_user()
        self.checker = create_user(username="checker", password=None, groups=("approver",))
        self.books = Books()
        self.tariffs = [
            make_tariff(),
            publish_version(
                code="steps", name="Steps", valid_from=NOON, rules=FEE_AND_STEPS, by=self.by,
                at=NOON,
            ).tariff,
        ]  # fmt: skip
        self.homes = [self._home(number) for number in range(2)]
        self.at = self.latest = NOON
        self.messages = 0

    def _home(self, number: int) -> Home:
        supply = make_supply()
        SupplyAgreement.objects.filter(pk=supply.pk).update(tariff=self.tariffs[number])
        supply.refresh_from_db()
        return Home(supply, WallMeter(supply.meter))

    def teardown(self) -> None:
        """Forget the example."""
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)
        self.folder.cleanup()

    def home(self, number: int) -> Home:
        """Return one of the homes."""
        return self.homes[number % len(self.homes)]

    def new_message(self) -> str:
        """Return a message id that was not used."""
        self.messages += 1
        return f"m{self.messages}"

    @rule(hours=st.sampled_from([-24, -1, 1, 24, 240, 744]))
    def time_passes(self, hours: int) -> None:
        """A clock may be set back, too, but not before the beginning."""
        self.at = max(NOON, self.at + timedelta(hours=hours))
        self.latest = max(self.latest, self.at)

    @rule()
    def a_night_passes(self) -> None:
        """Balances are kept, and what is new is proved."""
        checkpoints.make(at=self.at)
        assert proofs.prove(at=self.at, whole=False).differences == []

    def a_minute_passes(self) -> None:
        """What comes after another thing has a later time."""
        self.at += timedelta(minutes=1)
        self.latest = max(self.latest, self.at)

    @invariant()
    def every_figure_follows_from_the_ledger(self) -> None:
        """The ledger adds up to zero, all else is what it says, and it is what our books say."""
        sums: Counter[str] = Counter()
        for one in trial_balance():
            sums[one.currency] += one.amount_minor
        assert not any(sums.values()), sums
        assert proofs.prove(at=self.at).differences == []
        assert self.books.differences() == {}
        balances = dict(Debt.objects.values_list("pk", "balance_minor"))
        assert balances == self.books.owed_minor

    @invariant()
    def the_record_is_whole(self) -> None:
        """Every entry is in the chain and in what was published, every act has its entry."""
        while not self.sealer.step(at=self.at):
            pass
        self.sealer.publish()
        report = verify(seals=self.seals, key=signing.own_key(), at=self.at)
        assert report.findings == []
        assert (report.links, report.waiting) == (AuditEntry.objects.count(), 0)
        counted = AuditEntry.objects.values_list("action").annotate(Count("pk")).order_by()
        entries = dict(counted.filter(action__in=ON_RECORD))
        for action, acts in ON_RECORD.items():
            assert entries.get(action, 0) == acts.count(), action

    @invariant()
    def receipts_add_up(self) -> None:
        """What a receipt prints comes to what was paid."""
        for sale in Sale.objects.order_by("-pk")[:3]:
            receipt = receipt_of(sale)
            assert sum(line.amount_minor for line in receipt.lines) == receipt.tender_minor

    @invariant()
    def token_identifiers_rise(self) -> None:
        """No identifier of a base date comes twice, whatever the clock and the keys did."""
        given: dict[tuple[int, int], int] = {}
        tokens = IssuedToken.objects.filter(tid__isnull=False).order_by("pk")
        for meter, base_date, tid in tokens.values_list("meter", "base_date", "tid"):
            assert tid is not None
            assert tid > given.get((meter, base_date), -1)
            given[meter, base_date] = tid

    @invariant()
    def no_month_pays_its_fee_twice(self) -> None:
        """However sales are split, repeated or reversed, and the account is closed."""
        for agreement in SupplyAgreement.objects.filter(tariff=self.tariffs[1]):
            assert self.fees_minor(agreement) <= FEE_MINOR * self.months(agreement, self.latest)

    def fees_minor(self, agreement: SupplyAgreement) -> int:
        """Return what an agreement has paid of its monthly fee."""
        lines = SaleLine.objects.filter(kind="fee", sale__reversal=None, sale__agreement=agreement)
        settled = SettlementLine.objects.filter(
            kind="fee", settlement__closing__agreement=agreement, description="Network"
        )
        return sum(lines.values_list("amount_minor", flat=True)) - sum(
            settled.values_list("amount_minor", flat=True)
        )

    def months(self, agreement: SupplyAgreement, until: Any) -> int:
        """Return in how many months an agreement has run, the first and the last included."""
        since = agreement.started_at
        return 12 * (until.year - since.year) + until.month - since.month + 1
