"""What can happen to keys and free energy, and what the meters on the wall say to the tokens."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from headend.accounts import approvals
from headend.customers.errors import NoSupplyAgreement
from headend.engineering.errors import NotReplaceable
from headend.engineering.services import order_replacement
from headend.ledger import chart
from headend.meters.errors import TokenIdentifiersExhausted
from headend.meters.models import KeyChange
from headend.tests.engine import Home, which
from headend.tests.engine_fleet import Fleet
from headend.tests.engine_sales import EXHAUSTED, Sales
from headend.vending import (
    disclosure,
    free_electricity,
    free_programmes,
    key_changes,
    key_evidence,
)
from headend.vending.errors import NoFreeElectricity
from headend.vending.models import FreeGrant, FreeProgramme, IssuedToken
from headend.vending.tests.key_meters import load_key

FREE_WH = 5_000
REVISIONS = range(2, 9)


class Tokens(Sales, Fleet):
    """Keys are changed, free energy is given, and consumers type what their receipts say."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = [load_key(krn=revision) for revision in REVISIONS]
        self.enrolled = self.homes[0].supply.customer
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
            customer=self.enrolled,
            premises=self.homes[0].supply.premises,
            from_month=self.at.date(),
            by=self.by,
            at=self.at,
        )

    @rule(number=which, tender_minor=st.integers(40_000, 90_000))
    def buy_and_type(self, number: int, tender_minor: int) -> None:
        """Whatever came before: the tokens of the receipts, in their order, end with energy."""
        home = self.home(number)
        sale = self.sell(home, tender_minor, operator=self.by)
        if sale is None:
            return
        self.books.add(chart.CASH_AT_TILLS, tender_minor)
        credit_wh = home.wall.credit_wh
        home.type_all()
        bought = {token.digits for token in sale.tokens.filter(token_class=0)}
        assert bought <= home.wall.entered
        assert home.wall.credit_wh >= credit_wh + sale.encoded_wh

    @rule(number=which)
    def ask_for_free_energy(self, number: int) -> None:
        """Once a month, and only who takes part."""
        home = self.home(number)
        given = FreeGrant.objects.count()
        try:
            grant = free_electricity.grant(meter=home.wall.meter, by=self.by, at=self.at)
        except NoSupplyAgreement:
            assert home.is_vacated
            return
        except NoFreeElectricity:
            assert home.supply.customer != self.enrolled
            return
        except TokenIdentifiersExhausted:
            assert home.wall.meter.base_date == EXHAUSTED
            return
        assert home.supply.customer == self.enrolled
        assert grant.token is not None
        assert grant.token.units == FREE_WH // 100
        month = free_electricity.month_of(self.at)
        assert FreeGrant.objects.filter(month=month).count() == 1
        if FreeGrant.objects.count() > given:
            home.on_table.append(grant.token)

    @rule(number=which, is_issued=st.booleans())
    def change_key(self, number: int, is_issued: bool) -> None:
        """The meter is to have its next key revision."""
        home = self.home(number)
        meter = home.wall.meter
        if key_changes.under_way(meter) or meter.krn >= REVISIONS[-1]:
            return
        change = key_changes.prepare(
            meter, changes={"krn": meter.krn + 1}, by=self.by, at=self.at, reason="test"
        )
        if is_issued:
            home.on_table += key_changes.issue(change, by=self.by, at=self.at)

    @precondition(lambda _: KeyChange.objects.filter(state__in=key_changes.UNDER_WAY).exists())
    @rule(number=which)
    def end_key_change(self, number: int) -> None:
        """It was entered if the meter says so; else it is taken back, with what was printed."""
        home = self.home(number)
        change = key_changes.under_way(home.wall.meter)
        if change is None:
            return
        if key_evidence.shows_new_key(change, home.wall.told()):
            key_changes.mark_entered(
                change, evidence=KeyChange.Evidence.METER, by=self.by, at=self.at
            )
            return
        key_changes.withdraw(change, by=self.by, at=self.at, reason="test")
        on_table, home.on_table = home.on_table, []
        for token in on_table:
            self.keep_or_make_again(home, token, change)

    def keep_or_make_again(self, home: Home, token: IssuedToken, change: KeyChange) -> None:
        """Of what is on the table, throw the new key away; credit made for it is made again."""
        if token.token_class == 0 and token.krn == change.before["krn"]:
            home.on_table.append(token)
        elif token.token_class == 0:
            self.make_again(home, token)

    def make_again(self, home: Home, token: IssuedToken) -> None:
        """Have credit made again under the key from before."""
        try:
            request = order_replacement(token, by=self.by, at=self.at, reason="test")
            approvals.approve(request, self.checker, self.at)
        except NotReplaceable:
            return
        except TokenIdentifiersExhausted:
            return
        made = IssuedToken.objects.latest("pk")
        assert made.units == token.units
        home.on_table.append(made)

    @precondition(lambda _: IssuedToken.objects.filter(token_class=0).exists())
    @rule(number=which)
    def ask_for_credit_again(self, number: int) -> None:
        """Nobody gets again what was paid back, or what nobody was shown."""
        tokens = IssuedToken.objects.filter(token_class=0).order_by("-pk")
        token = tokens[number % min(4, len(tokens))]
        try:
            request = order_replacement(token, by=self.by, at=self.at, reason="test")
        except NotReplaceable:
            return
        approvals.refuse(request, self.checker, self.at, "test")
        assert disclosure.digits_of(token) is not None
