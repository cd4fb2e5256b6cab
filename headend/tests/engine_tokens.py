"""What can happen to keys and free energy, and what the meters on the wall say to the tokens."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from headend.accounts import approvals
from headend.meters.models import KeyChange, Meter
from headend.tests.engine import which
from headend.tests.engine_sales import Sales
from headend.vending import free_electricity, free_programmes, key_changes, key_evidence
from headend.vending.errors import NoFreeElectricity
from headend.vending.models import FreeGrant, FreeProgramme
from headend.vending.tests.key_meters import FieldMeter, load_key

FREE_WH = 5_000
REVISIONS = range(2, 9)


class Tokens(Sales):
    """Keys are changed, free energy is given, and consumers type what their receipts say."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = [load_key(krn=revision) for revision in REVISIONS]
        self.field = [FieldMeter(supply.meter) for supply in self.supplies]
        request = free_programmes.request_amount(
            code="fbe",
            title="Free basic electricity",
            from_month=self.at.date(),
            energy_wh=FREE_WH,
            by=self.by,
            at=self.at,
            reason="test",
        )
        approvals.approve(request, self.checker, self.at)
        free_programmes.enrol(
            programme=FreeProgramme.objects.get(),
            customer=self.supplies[0].customer,
            premises=self.supplies[0].premises,
            from_month=self.at.date(),
            by=self.by,
            at=self.at,
        )

    @rule(number=which, tender_minor=st.integers(40_000, 90_000))
    def buy_and_type(self, number: int, tender_minor: int) -> None:
        """Whatever came before: the tokens of a receipt, in its order, end with energy."""
        sale = self.sell(number, tender_minor, operator=self.by, again=False, hold=False)
        assert sale is not None
        self.taken_minor += tender_minor
        tokens = list(sale.tokens.order_by("position"))
        answers = [self.field[number % 2].enter(token.digits) for token in tokens]
        for token, answer in zip(tokens, answers, strict=True):
            assert token.token_class != 0 or answer == "Accept"

    @rule(number=which)
    def ask_for_free_energy(self, number: int) -> None:
        """Once a month, and only who takes part."""
        supply = self.supplies[number % 2]
        month = free_electricity.month_of(self.at)
        try:
            grant = free_electricity.grant(meter=supply.meter, by=self.by, at=self.at)
        except NoFreeElectricity:
            assert number % 2
            return
        assert supply == self.supplies[0]
        assert grant.token is not None
        assert grant.token.units == FREE_WH // 100
        assert FreeGrant.objects.filter(month=month).count() == 1

    @rule(number=which, is_issued=st.booleans())
    def change_key(self, number: int, is_issued: bool) -> None:
        """The meter is to have its next key revision."""
        meter = self.stored_meter(number)
        if key_changes.under_way(meter) or meter.krn == REVISIONS[-1]:
            return
        change = key_changes.prepare(
            meter, changes={"krn": meter.krn + 1}, by=self.by, at=self.at, reason="test"
        )
        if is_issued:
            key_changes.issue(change, by=self.by, at=self.at)

    @precondition(lambda _: KeyChange.objects.filter(state__in=key_changes.UNDER_WAY).exists())
    @rule(number=which)
    def end_key_change(self, number: int) -> None:
        """It was entered if the meter says so; else it is taken back, or goes on."""
        change = key_changes.under_way(self.stored_meter(number))
        if change is None:
            return
        if key_evidence.shows_new_key(change, self.field[number % 2].told()):
            key_changes.mark_entered(
                change, evidence=KeyChange.Evidence.METER, by=self.by, at=self.at
            )
        else:
            key_changes.withdraw(change, by=self.by, at=self.at, reason="test")

    def stored_meter(self, number: int) -> Meter:
        """Return one of the meters as it is now."""
        return Meter.objects.get(pk=self.supplies[number % 2].meter.pk)
