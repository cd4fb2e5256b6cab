"""What can be sold, at the utility's till and at a vendor's."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from headend.accounts import approvals
from headend.accounts.models import User
from headend.debts.models import Debt
from headend.debts.queries import energy_floor
from headend.ledger import chart
from headend.ledger.queries import balance_minor
from headend.tests.engine import Engine, money, which
from headend.vending import debt_payments, disclosure, reallocations, reversals
from headend.vending.errors import (
    NotLatestSale,
    ReallocationRefused,
    ReversalRefused,
    SaleReversed,
    TenderTooSmall,
    TokenDisclosed,
)
from headend.vending.models import Disclosure, Reallocation, Sale
from headend.vending.services import vend
from headend.vendors import acts, shifts
from headend.vendors.errors import DrawerTooLow, NoOpenShift, WalletTooLow
from headend.vendors.models import Shift
from headend.vendors.tests.conftest import Shop

MAY_REFUSE = (
    SaleReversed,
    TokenDisclosed,
    NotLatestSale,
    ReversalRefused,
    NoOpenShift,
    DrawerTooLow,
)


class Sales(Engine):
    """Energy is sold, asked for twice, refused for too little; a vendor buys credit and sells."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop()
        self.taken_minor = 0  # at the utility's till

    def sell(
        self, number: int, tender_minor: int, *, operator: User, again: bool, hold: bool
    ) -> Sale | None:
        """Sell, perhaps asked for twice; return None if it bought less than the least energy."""
        supply, message_id = self.supplies[number % 2], self.new_message()
        for _ in range(1 + again):
            try:
                sale = vend(
                    caller=f"user:{operator.pk}",
                    message_id=message_id,
                    meter=supply.meter,
                    tender_minor=tender_minor,
                    operator=operator,
                    at=self.at,
                    hold_token=hold,
                )
            except TenderTooSmall:
                return None
        lines = list(sale.lines.all())
        assert sum(line.amount_minor for line in lines) == tender_minor
        paid = sum(line.amount_minor for line in lines if line.kind == "debt")
        assert not paid or tender_minor - paid >= tender_minor * energy_floor(at=self.at)
        assert bool(sale.issued_wh) == sale.tokens.filter(token_class=0).exists()
        return sale

    @rule(number=which, tender_minor=money, again=st.booleans(), hold=st.booleans())
    def sell_at_the_utility(self, number: int, tender_minor: int, again: bool, hold: bool) -> None:
        """The money is in the till."""
        if self.sell(number, tender_minor, operator=self.by, again=again, hold=hold):
            self.taken_minor += tender_minor

    @rule(number=which, tender_minor=money, again=st.booleans(), hold=st.booleans())
    def sell_at_the_vendor(self, number: int, tender_minor: int, again: bool, hold: bool) -> None:
        """Only in a shift, and only what the wallet covers."""
        in_shift = self.a_shift(Shift.OPEN) is not None
        wallet_minor = self.wallet_minor
        try:
            sale = self.sell(
                number, tender_minor, operator=self.shop.cashier, again=again, hold=hold
            )
        except (NoOpenShift, WalletTooLow):
            assert not in_shift or tender_minor > wallet_minor
            return
        assert in_shift
        assert self.wallet_minor == wallet_minor - (tender_minor if sale else 0)

    @precondition(lambda _: Sale.objects.exists())
    @rule(number=which, again=st.booleans())
    def take_back(self, number: int, again: bool) -> None:
        """What may be taken back is undone once; where the money was, it is no more."""
        sale = Sale.objects.order_by("-pk")[number % min(4, Sale.objects.count())]
        by, message_id, wallet_minor = sale.operator, self.new_message(), self.wallet_minor
        for _ in range(1 + again):
            try:
                reversals.reverse(
                    caller=f"user:{by.pk}",
                    message_id=message_id,
                    sale=sale,
                    by=by,
                    at=self.at,
                    reason="test",
                )
            except MAY_REFUSE:
                return
        if by == self.by:
            self.taken_minor -= sale.tender_minor
        else:
            assert self.wallet_minor == wallet_minor + sale.tender_minor

    @precondition(lambda _: Debt.objects.filter(balance_minor__gt=0).exists())
    @rule(number=which, amount_minor=money)
    def pay_a_debt(self, number: int, amount_minor: int) -> None:
        """A debt is paid without energy, and never more than is owed."""
        open_ones = Debt.objects.filter(balance_minor__gt=0).order_by("pk")
        debt = open_ones[number % len(open_ones)]
        amount_minor = min(amount_minor, debt.balance_minor)
        sale = debt_payments.pay(
            caller=f"user:{self.by.pk}",
            message_id=self.new_message(),
            debt=debt,
            amount_minor=amount_minor,
            operator=self.by,
            at=self.at,
        )
        assert not sale.tokens.exists()
        self.taken_minor += amount_minor

    @precondition(lambda _: Sale.objects.exists())
    @rule(number=which, bearer=st.sampled_from(Reallocation.Bearer.values))
    def move(self, number: int, bearer: str) -> None:
        """A sale for the wrong meter is sold to the right one; no money is taken for it."""
        sale = Sale.objects.order_by("-pk")[number % min(4, Sale.objects.count())]
        (right,) = (one for one in self.supplies if one.meter_id != sale.meter_id)
        try:
            request = reallocations.request(
                sale,
                to=right.meter,
                bearer=Reallocation.Bearer(bearer),
                by=self.by,
                at=self.at,
                reason="test",
            )
            approvals.approve(request, self.checker, self.at)
        except (*MAY_REFUSE, ReallocationRefused, TenderTooSmall):
            return
        assert Reallocation.objects.get(sale=sale).new_sale.tender_minor == sale.tender_minor
        assert not balance_minor(chart.REALLOCATED, "ZAR")

    @precondition(lambda _: Sale.objects.filter(reversal=None).exists())
    @rule(number=which)
    def disclose(self, number: int) -> None:
        """Who was shown the token can't give it back."""
        standing = Sale.objects.filter(reversal=None).order_by("pk")
        sale = standing[number % len(standing)]
        disclosure.disclose(sale, to=sale.operator, at=self.at, how=Disclosure.How.SHOWN)
        if sale.tokens.filter(token_class=0).exists():
            with pytest.raises((TokenDisclosed, NotLatestSale, ReversalRefused)):
                reversals.grounds_of(Sale.objects.get(pk=sale.pk))

    @rule(paid_minor=money, is_approved=st.booleans())
    def buy_credit(self, paid_minor: int, is_approved: bool) -> None:
        """Credit is there when somebody else has seen the payment."""
        before_minor = self.wallet_minor
        request = acts.request_purchase(
            self.shop.vendor,
            paid_minor=paid_minor,
            payment_reference=self.new_message(),
            by=self.shop.manager,
            at=self.at,
        )
        if is_approved:
            approvals.approve(request, self.checker, self.at)
        assert self.wallet_minor == before_minor + is_approved * paid_minor

    @precondition(lambda self: self.a_shift() is None)
    @rule(float_minor=money)
    def open_shift(self, float_minor: int) -> None:
        """The cashier begins to sell."""
        shifts.open_shift(
            till=self.shop.till, float_minor=float_minor, by=self.shop.cashier, at=self.at
        )

    @precondition(lambda self: self.a_shift() is not None)
    @rule(difference_minor=st.sampled_from([0, 0, -100, 250]))
    def close_shift(self, difference_minor: int) -> None:
        """The drawer is counted; if it is not as it should be, the manager closes."""
        shift = self.a_shift()
        assert shift is not None
        counted_minor = max(0, shift.expected_minor + difference_minor)
        shift = shifts.cash_up(
            shift, counted_minor=counted_minor, by=self.shop.cashier, at=self.at
        )
        by = self.shop.manager if shift.difference_minor else self.shop.cashier
        shifts.close(shift, by=by, at=self.at, note="counted twice")

    def a_shift(self, *states: str) -> Shift | None:
        """Return the cashier's shift that is not closed, if there is one in such a state."""
        running = Shift.objects.filter(user=self.shop.cashier).exclude(state=Shift.CLOSED)
        return running.filter(state__in=states or (Shift.OPEN, Shift.COUNTED)).first()

    @property
    def wallet_minor(self) -> int:
        """What the vendor has paid ahead and not sold yet."""
        return -balance_minor(chart.wallet_account(self.shop.vendor.pk), "ZAR")

    @invariant()
    def money_is_where_it_was_taken(self) -> None:
        """The till holds what was taken there; the wallet is never overdrawn."""
        assert balance_minor(chart.CASH_AT_TILLS, "ZAR") == self.taken_minor
        assert self.wallet_minor >= 0
