"""What can happen to supplies: people move out, are settled with, and move in."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from headend.accounts import approvals
from headend.accounts.models import Approval
from headend.customers.models import SupplyAgreement
from headend.customers.services import register_customer
from headend.debts.models import Debt
from headend.ledger import chart
from headend.ledger.cash import SafeTooLow
from headend.supply import closings, moves, refunds
from headend.supply.errors import (
    ClosingNotPossible,
    CreditLeft,
    FormerClosingOpen,
    PremisesDebts,
    RefundNotPossible,
)
from headend.supply.models import Closing, Refund, Rule, Settlement
from headend.supply.rules import rule_in_force, set_rule
from headend.tests.engine import FEE_MINOR, Home, which
from headend.tests.engine_campaigns import Campaigns


class Supply(Campaigns):
    """Accounts are closed, settled and refunded; the next ones move in."""

    @rule(
        valuation=st.sampled_from(Rule.Valuation.values),
        mode_credit=st.sampled_from(Rule.ModeCredit.values),
        premises=st.booleans(),
        limit_minor=st.sampled_from([0, 10_00, 10_000_00]),
    )
    def change_the_rule(
        self, valuation: str, mode_credit: str, premises: bool, limit_minor: int
    ) -> None:
        """Supplies are settled otherwise from now on."""
        set_rule(
            valuation=valuation,
            price_minor_per_kwh=Decimal("199.5"),
            premises_debts_settled=premises,
            refund_limit_minor=limit_minor,
            mode_credit=mode_credit,
            by=self.by,
            at=self.at,
        )

    @precondition(lambda self: any(not home.is_vacated for home in self.homes))
    @rule(number=which, asks_meter=st.booleans(), goes_on=st.booleans())
    def move_out(self, number: int, asks_meter: bool, goes_on: bool) -> None:
        """What was bought is typed first; then notice is given, once; perhaps all in one go."""
        home = self.home(number)
        if home.is_vacated:
            with pytest.raises(ClosingNotPossible):
                self.start_closing(home, asks_meter=asks_meter)
            return
        home.type_all()
        home.closing = self.start_closing(home, asks_meter=asks_meter)
        if goes_on:
            self.read_registers(home)
            self.settle_account(home)

    def start_closing(self, home: Home, *, asks_meter: bool) -> Closing:
        """Give notice."""
        return closings.start(
            home.supply, by=self.by, at=self.at, reason="moves", ask_meter=asks_meter
        )

    @precondition(lambda self: any(home.is_vacated for home in self.homes))
    @rule(number=which)
    def read_the_meter(self, number: int) -> None:
        """Somebody reads the closing registers."""
        self.read_registers(self.a_vacated_home(number))

    def read_registers(self, home: Home) -> None:
        """Take down what the meter shows, unless it told it itself or the account is settled."""
        self.a_minute_passes()
        closing = self.closing_of(home)
        try:
            closings.note_registers(
                closing,
                energy_wh=home.wall.energy_wh,
                credit_wh=home.wall.credit_wh,
                by=self.by,
                at=self.at,
            )
        except ClosingNotPossible:
            assert not closing.is_open or closing.registers_source == "meter"
            return
        home.wall.read()

    @precondition(lambda self: any(home.is_vacated for home in self.homes))
    @rule(number=which)
    def settle(self, number: int) -> None:
        """The account is settled, once."""
        self.settle_account(self.a_vacated_home(number))

    def settle_account(self, home: Home) -> None:
        """What the credit is worth pays fees, then debts by priority; the rest is owed back."""
        closing = self.closing_of(home)
        supply = SupplyAgreement.objects.get(pk=home.supply.pk)
        debts = self.debts_to_settle(supply)
        try:
            settlement = closings.settle(closing, by=self.by, at=self.at)
        except ClosingNotPossible:
            not_read = supply.replacements.filter(credit_wh=None, transferred_at=None)
            assert closing.state != Closing.State.REGISTERS_KNOWN or not_read.exists()
            return
        self.check_credit(settlement, home)
        self.check_fees(supply)
        kinds = ("credit", "tax", "replaced", "carried", "fee")
        lines = settlement.lines.filter(kind__in=kinds)
        left_minor = sum(lines.values_list("amount_minor", flat=True))
        for debt in debts:
            paid_minor = min(self.books.owed_minor[debt.pk], max(left_minor, 0))
            self.books.owed_minor[debt.pk] -= paid_minor
            left_minor -= paid_minor
        assert settlement.refund_minor == max(left_minor, 0)
        assert settlement.owed_minor == max(-left_minor, 0)
        self.books.add(chart.REFUNDS, -settlement.refund_minor)
        if settlement.debt is not None:
            self.books.owed_minor[settlement.debt.pk] = settlement.owed_minor

    def check_credit(self, settlement: Settlement, home: Home) -> None:
        """What was left, but for what is on a bill already or was given free, is paid for."""
        closing = settlement.closing
        lines = list(settlement.lines.filter(kind="credit"))
        paid_wh = lines[0].energy_wh or 0
        free_wh = sum(one.energy_wh or 0 for one in lines[1:])
        assert 0 <= free_wh <= self.given_free_wh(closing.agreement)
        assert paid_wh + free_wh == (closing.credit_wh or 0) - home.wall.read_on_bill_wh
        paid_for = settlement.lines.filter(kind__in=("credit", "tax"))
        self.check_worth(
            closing.agreement_id, paid_wh, sum(paid_for.values_list("amount_minor", flat=True))
        )

    def check_fees(self, supply: SupplyAgreement) -> None:
        """When an account is settled, every month that it ran has paid its fee."""
        if supply.tariff != self.tariffs[1]:
            return
        assert supply.ended_at is not None
        least_minor = FEE_MINOR * self.months(supply, supply.ended_at)
        assert self.fees_minor(supply) >= least_minor

    def debts_to_settle(self, supply: SupplyAgreement) -> list[Debt]:
        """Return the customer's open debts, by rule also those of the premises, in order."""
        found = Debt.objects.filter(customer=supply.customer)
        if rule_in_force(at=self.at).premises_debts_settled:
            found |= Debt.objects.filter(premises=supply.premises)
        return list(found.filter(balance_minor__gt=0).order_by("priority", "pk"))

    @precondition(lambda _: Settlement.objects.exists())
    @rule(number=which, method=st.sampled_from(Refund.Method.values), is_approved=st.booleans())
    def refund(self, number: int, method: str, is_approved: bool) -> None:
        """What is owed back is paid once; a large sum by two people."""
        settlement = Settlement.objects.order_by("pk")[number % Settlement.objects.count()]
        is_paid = Refund.objects.filter(settlement=settlement).exists()
        asked = refunds.request_waiting(settlement)
        try:
            done = refunds.pay(settlement, method=method, by=self.by, at=self.at)
        except SafeTooLow:
            assert self.safe_is_too_low_for(settlement, method)
            return
        except RefundNotPossible:
            assert is_paid or not settlement.refund_minor or asked
            if asked is None or not is_approved:
                return
            done, method = asked, asked.arguments["method"]
        if isinstance(done, Approval):
            assert settlement.refund_minor > settlement.refund_limit_minor
            if not is_approved:
                return
            try:
                approvals.approve(done, self.checker, self.at)
            except SafeTooLow:
                assert self.safe_is_too_low_for(settlement, method)
                return
        assert not is_paid
        assert not self.safe_is_too_low_for(settlement, method)
        place = chart.CASH_IN_SAFE if method == Refund.Method.CASH else chart.BANK
        self.books.add(place, -settlement.refund_minor)
        self.books.add(chart.REFUNDS, settlement.refund_minor)

    def safe_is_too_low_for(self, settlement: Settlement, method: str) -> bool:
        """Say whether a refund in cash is more than what is in the safe."""
        is_cash = method == Refund.Method.CASH
        return is_cash and self.books.of(chart.CASH_IN_SAFE) < settlement.refund_minor

    @precondition(lambda self: any(home.is_vacated for home in self.homes))
    @rule(number=which)
    def clear_the_meter(self, number: int) -> None:
        """An engineer takes what is left off the meter, and says so."""
        self.clear(self.a_vacated_home(number))

    def clear(self, home: Home) -> None:
        """Take what is left off a meter, if its registers are known."""
        self.a_minute_passes()
        closing = self.closing_of(home)
        if closing.state == Closing.State.OPEN:
            return
        home.wall.credit_wh = home.wall.on_bill_wh = 0
        if not closing.cleared:
            closings.mark_cleared(closing, by=self.by, at=self.at, how="person", note="0 shown")

    @precondition(lambda self: any(home.is_vacated for home in self.homes))
    @rule(
        number=which,
        clears=st.booleans(),
        buys=st.booleans(),
        accepts=st.booleans(),
        tariff=st.integers(0, 1),
    )
    def move_in(self, number: int, clears: bool, buys: bool, accepts: bool, tariff: int) -> None:
        """Nobody inherits credit, and nobody debts that they were not told of."""
        home = self.a_vacated_home(number)
        if clears:
            self.clear(home)
        closing, wall = self.closing_of(home), home.wall
        owed_minor = sum(
            self.books.owed_minor[debt.pk]
            for debt in Debt.objects.filter(premises=home.supply.premises)
        )
        price_minor = moves.found_at(wall.meter).price_minor
        try:
            made = moves.move_in(
                register_customer(name="Next One", by=self.by, at=self.at),
                wall.meter,
                moves.Terms(
                    address=home.supply.premises.address,
                    tariff=self.tariffs[tariff],
                    accepts_debts=accepts,
                    buys_credit=buys,
                ),
                energy_wh=wall.energy_wh,
                credit_wh=wall.credit_wh,
                source="person",
                by=self.by,
                at=self.at,
            )
        except FormerClosingOpen:
            assert closing.is_open
            return
        except CreditLeft:
            return  # by what it shows, or by what it told last
        except PremisesDebts:
            assert owed_minor
            assert not accepts
            return
        assert not closing.is_open
        assert accepts or not owed_minor
        assert wall.credit_wh == (closing.credit_wh if buys else 0)
        assert made.bought_minor == (price_minor or 0) * buys
        assert buys or not closing.needs_clearing
        self.books.add(chart.CASH_IN_SAFE, made.bought_minor)
        home.supply, home.closing, home.on_table = made.agreement, None, []

    def a_vacated_home(self, number: int) -> Home:
        """Return one of the homes where nobody is supplied."""
        found = [home for home in self.homes if home.is_vacated]
        return found[number % len(found)]

    def closing_of(self, home: Home) -> Closing:
        """Return the closing of a vacated home as it is now."""
        assert home.closing is not None
        return Closing.objects.select_related("agreement").get(pk=home.closing.pk)
