"""What can be sold, taken back and moved, at the utility's till and at a vendor's."""

from __future__ import annotations

import math

import pytest
from django.db.models import Q
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from headend.accounts import approvals
from headend.accounts.models import User
from headend.customers.errors import NoSupplyAgreement
from headend.customers.models import SupplyAgreement
from headend.debts.errors import PurchasesBlocked
from headend.debts.models import Debt
from headend.debts.queries import energy_floor
from headend.ledger import chart
from headend.ledger.cash import TillsTooLow
from headend.meters.errors import TokenIdentifiersExhausted
from headend.tests.engine import Home, money, which
from headend.tests.engine_books import BASE, WALLETS
from headend.tests.engine_vendors import Vendors
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
from headend.vendors.errors import DrawerTooLow, NoOpenShift, WalletTooLow
from headend.vendors.models import Shift

MAY_REFUSE = (
    SaleReversed,
    TokenDisclosed,
    NotLatestSale,
    ReversalRefused,
    NoOpenShift,
)
EXHAUSTED = 1993  # the base date of old meters: its token identifiers have run out


class Sales(Vendors):
    """Energy is sold, asked for twice, refused for too little, taken back, and moved."""

    def sell(
        self,
        home: Home,
        tender_minor: int,
        *,
        operator: User,
        again: bool = False,
        hold: bool = False,
        send: bool = False,
        currency: str = "",
        worth_minor: int | None = None,
    ) -> Sale | None:
        """Sell, perhaps asked for twice; return None if it may not be sold.

        Args:
            tender_minor: what is handed over, in minor units of `currency`.
            worth_minor: what that is worth, if it is in another currency than the base one.
        """
        message_id = self.new_message()
        blocking = self.blocking(home.supply)
        for _ in range(1 + again):
            try:
                sale = vend(
                    caller=f"user:{operator.pk}",
                    message_id=message_id,
                    meter=home.wall.meter,
                    tender_minor=tender_minor,
                    currency=currency,
                    operator=operator,
                    at=self.at,
                    hold_token=hold,
                    send=send,
                )
            except NoSupplyAgreement:
                assert home.is_vacated
                return None
            except TokenIdentifiersExhausted:
                assert home.wall.meter.base_date == EXHAUSTED
                return None
            except PurchasesBlocked:
                assert blocking
                return None
            except TenderTooSmall:
                return None
        assert not home.is_vacated
        assert not blocking
        self.check(sale, tender_minor if worth_minor is None else worth_minor)
        self.note_debts(sale)
        if not disclosure.is_held(sale):
            home.on_table += sale.tokens.order_by("position")
        return sale

    def blocking(self, supply: SupplyAgreement) -> list[int]:
        """Return the debts, by id, before whose payment nothing is sold today."""
        today = timezone.localdate(self.at)
        theirs = Q(customer=supply.customer_id) | Q(premises=supply.premises_id)
        found = Debt.objects.filter(theirs, blocked_from__lte=today).values_list("pk", flat=True)
        return [pk for pk in found if self.books.owed_minor[pk]]

    def check(self, sale: Sale, tender_minor: int) -> None:
        """What is on a sale comes to what was paid, and leaves what must be left for energy."""
        lines = list(sale.lines.all())
        assert sum(line.amount_minor for line in lines) == tender_minor
        paid = sum(line.amount_minor for line in lines if line.kind == "debt")
        assert not paid or tender_minor - paid >= tender_minor * energy_floor(at=self.at)
        credit = [one for one in sale.tokens.filter(token_class=0) if disclosure.is_paid_for(one)]
        on_tokens_wh = [(one.units or 0) * 100 for one in credit]
        assert on_tokens_wh == [sale.encoded_wh] * bool(sale.issued_wh)
        assert 0 <= sale.encoded_wh - sale.issued_wh < max(100, sale.issued_wh // 1000)

    def note_debts(self, sale: Sale) -> None:
        """Write down what a sale paid into its customer's and its premises' debts."""
        theirs = Debt.objects.filter(customer=sale.agreement.customer_id) | Debt.objects.filter(
            premises=sale.agreement.premises_id
        )
        now = {debt.pk: debt.balance_minor for debt in theirs}
        paid = {
            pk: self.books.owed_minor[pk] - minor
            for pk, minor in now.items()
            if minor != self.books.owed_minor[pk]
        }
        assert all(minor > 0 for minor in paid.values())
        for debt in theirs:
            owed_minor = self.books.owed_minor[debt.pk]
            assert paid.get(debt.pk, 0) <= self.most(debt, sale.tender_minor, owed_minor), debt
        assert sum(paid.values()) == sum(
            line.amount_minor for line in sale.lines.filter(kind="debt")
        )
        self.books.owed_minor.update(now)
        self.books.paid_into[sale.pk] = paid

    def most(self, debt: Debt, tender_minor: int, owed_minor: int) -> int:
        """Return the most that a debt takes of a purchase now, as a clerk would reckon it."""
        rises = debt.later_from is not None and debt.later_from <= timezone.localdate(self.at)
        percent = debt.later_percent if rises else debt.percent
        by_method = {
            Debt.Method.PERCENT: math.floor(tender_minor * percent / 100),
            Debt.Method.PERCENT_OWED: math.ceil(owed_minor * percent / 100),
            Debt.Method.INSTALMENTS: owed_minor,
        }
        caps = (debt.cap_per_purchase_minor, debt.cap_per_month_minor)
        asked = by_method.get(Debt.Method(debt.method), debt.amount_minor)
        return min(asked, owed_minor, *(cap for cap in caps if cap is not None))

    @rule(number=which, tender_minor=money, again=st.booleans(), hold=st.booleans())
    def sell_at_the_utility(self, number: int, tender_minor: int, again: bool, hold: bool) -> None:
        """The money is in the till."""
        home = self.home(number)
        if self.sell(home, tender_minor, operator=self.by, again=again, hold=hold):
            self.books.add(chart.CASH_AT_TILLS, tender_minor)

    @rule(number=which, tender_minor=money)
    def sell_and_send(self, number: int, tender_minor: int) -> None:
        """The token is on its way to the meter, and on the receipt."""
        if self.sell(self.home(number), tender_minor, operator=self.by, send=True):
            self.books.add(chart.CASH_AT_TILLS, tender_minor)

    @rule(number=which, tender_minor=money, again=st.booleans(), hold=st.booleans())
    def sell_at_the_vendor(self, number: int, tender_minor: int, again: bool, hold: bool) -> None:
        """Only in a shift, and only what the wallet covers."""
        in_shift = self.a_shift(Shift.OPEN) is not None
        try:
            sale = self.sell(
                self.home(number), tender_minor, operator=self.shop.cashier, again=again, hold=hold
            )
        except (NoOpenShift, WalletTooLow):
            assert not in_shift or tender_minor > self.wallet_minor
            return
        if sale is not None:
            assert in_shift
            self.books.add(WALLETS, tender_minor)

    @precondition(lambda _: Sale.objects.exists())
    @rule(number=which, again=st.booleans())
    def take_back(self, number: int, again: bool) -> None:
        """What may be taken back is undone once; where the money was, it is no more."""
        sale = self.a_sale(number)
        message_id = self.new_message()
        for _ in range(1 + again):
            try:
                reversals.reverse(
                    caller=f"user:{sale.operator.pk}",
                    message_id=message_id,
                    sale=sale,
                    by=sale.operator,
                    at=self.at,
                    reason="test",
                )
            except (DrawerTooLow, TillsTooLow):
                place = self.cash_place(sale.operator)
                held_minor = self.books.of(place, sale.received_currency)
                assert sale.vendor or held_minor < sale.received_minor
                return
            except MAY_REFUSE:
                return
        self.note_cash(
            self.cash_place(sale.operator),
            -sale.received_minor,
            sale.received_currency,
            worth_minor=-sale.tender_minor,
        )
        self.note_reversal(sale)

    def cash_place(self, operator: User) -> str:
        """Return where the money of whoever sells or gives back is."""
        return WALLETS if operator == self.shop.cashier else chart.CASH_AT_TILLS

    def note_cash(
        self, place: str, paid_minor: int, currency: str, *, worth_minor: int = 0
    ) -> None:
        """Write down money that came into a place; that of another currency was exchanged."""
        self.books.add(place, paid_minor, currency)
        if currency != BASE:
            exchange = chart.exchange_account(currency)
            self.books.add(exchange, -paid_minor, currency)
            self.books.add(exchange, worth_minor, BASE)

    def note_reversal(self, sale: Sale) -> None:
        """What was paid into debts is owed again, and nobody ever had the energy."""
        for debt, minor in self.books.paid_into[sale.pk].items():
            self.books.owed_minor[debt] += minor
        gone = [one for one in sale.tokens.all() if disclosure.is_paid_for(one)]
        for home in self.homes:
            assert not home.wall.entered & {one.digits for one in gone}
            home.on_table = [one for one in home.on_table if one not in gone]

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
        self.books.add(chart.CASH_AT_TILLS, amount_minor)
        self.books.owed_minor[debt.pk] -= amount_minor
        self.books.paid_into[sale.pk] = {debt.pk: amount_minor}

    @precondition(lambda _: Sale.objects.exists())
    @rule(number=which, bearer=st.sampled_from(Reallocation.Bearer.values))
    def move(self, number: int, bearer: str) -> None:
        """A sale for the wrong meter is sold to the right one; no money is taken for it."""
        sale = self.a_sale(number)
        right = next(one for one in self.homes if one.wall.meter_id != sale.meter_id)
        blocking = self.blocking(right.supply)
        try:
            request = reallocations.request(
                sale,
                to=right.wall.meter,
                bearer=Reallocation.Bearer(bearer),
                by=self.by,
                at=self.at,
                reason="test",
            )
            approvals.approve(request, self.checker, self.at)
        except (*MAY_REFUSE, ReallocationRefused, TenderTooSmall):
            return
        except PurchasesBlocked:
            assert blocking
            return
        except NoSupplyAgreement:
            assert right.is_vacated
            return
        except TokenIdentifiersExhausted:
            assert right.wall.meter.base_date == EXHAUSTED
            return
        moved = Reallocation.objects.get(sale=sale)
        assert moved.new_sale.tender_minor == sale.tender_minor
        if bearer == Reallocation.Bearer.NOBODY:
            self.note_reversal(sale)
        elif moved.debt is not None:
            self.books.owed_minor[moved.debt.pk] = sale.tender_minor
        else:
            self.books.add(chart.REALLOCATIONS_LOST, sale.tender_minor)
        self.check(moved.new_sale, sale.tender_minor)
        self.note_debts(moved.new_sale)
        right.on_table += moved.new_sale.tokens.order_by("position")

    @precondition(lambda _: Sale.objects.filter(reversal=None).exists())
    @rule(number=which)
    def disclose(self, number: int) -> None:
        """Who was shown the token can't give it back."""
        standing = Sale.objects.filter(reversal=None).order_by("pk")
        sale = standing[number % len(standing)]
        was_held = disclosure.is_held(sale)
        disclosure.disclose(sale, to=sale.operator, at=self.at, how=Disclosure.How.SHOWN)
        tokens = list(sale.tokens.order_by("position"))
        for home in self.homes:
            if was_held and home.supply.pk == sale.agreement_id and not home.is_vacated:
                home.on_table += [one for one in tokens if one.meter_id == home.wall.meter_id]
        if any(token.token_class == 0 for token in tokens):
            with pytest.raises((TokenDisclosed, NotLatestSale, ReversalRefused)):
                reversals.grounds_of(Sale.objects.get(pk=sale.pk))

    def a_sale(self, number: int) -> Sale:
        """Return one of the last sales."""
        last = Sale.objects.order_by("-pk")
        return last[number % min(4, len(last))]
