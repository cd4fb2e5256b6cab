"""What can happen at the utility's own till: a drawer of several currencies, and rates of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from headend.accounts import approvals
from headend.accounts.models import User
from headend.accounts.services import create_user
from headend.currencies import services as currencies
from headend.currencies.errors import (
    AmountWorthless,
    CurrencyNotAccepted,
    InvalidRate,
    NoRateInForce,
    RateTooOld,
)
from headend.currencies.models import Currency
from headend.debts.models import Debt
from headend.ledger import chart
from headend.ledger.cash import SafeTooLow
from headend.testing import NOON
from headend.tests.engine import money, which
from headend.tests.engine_books import BASE
from headend.tests.engine_sales import Sales
from headend.vending import debt_payments
from headend.vending.errors import InvalidTender
from headend.vendors import shifts
from headend.vendors.errors import NoOpenShift, ShiftRefused
from headend.vendors.models import Shift
from headend.vendors.services import add_till

# Minor digits of the currencies that customers may pay in; the base one has two.
DIGITS = {"USD": 2, "JPY": 0}
NO_RATE = (CurrencyNotAccepted, NoRateInForce, RateTooOld)

other = st.sampled_from(sorted(DIGITS))
cash = st.integers(0, 20_000)
figure = st.decimals(Decimal("0.001"), Decimal(40), places=3)


class Tills(Sales):
    """One till with a drawer, its cashier, and what other currencies are worth."""

    def __init__(self) -> None:
        super().__init__()
        self.till = add_till(None, name="Front desk", by=self.by, at=NOON)
        self.drawer = chart.drawer_account(self.till.pk)
        self.books.know(self.drawer)
        self.teller = create_user(username="teller", password=None, groups=("cashier",))
        self.rates: dict[str, dict[datetime, Fraction]] = {code: {} for code in DIGITS}
        self.holds_hours: dict[str, int | None] = dict.fromkeys(DIGITS)
        self.accepted = set(DIGITS)
        for code in DIGITS:
            self.books.know(chart.exchange_account(code))
            currencies.accept(code, by=self.by, at=NOON)

    # --- rates -----------------------------------------------------------------------------------

    @rule(
        code=other,
        is_accepted=st.sampled_from([True, True, False]),
        hours=st.sampled_from([None, 72]),
    )
    def accept(self, code: str, is_accepted: bool, hours: int | None) -> None:
        """The utility takes a currency or does not, and its rates grow old or do not."""
        currencies.accept(
            code, is_accepted=is_accepted, rate_holds_hours=hours, by=self.by, at=self.at
        )
        self.accepted = self.accepted | {code} if is_accepted else self.accepted - {code}
        self.holds_hours[code] = hours

    @rule(
        code=other,
        units=figure,
        base_units=figure,
        in_hours=st.sampled_from([None, None, -1, 0, 30, 300]),
        waits=st.booleans(),
        is_approved=st.sampled_from([True, True, False]),
    )
    def set_a_rate(
        self,
        code: str,
        units: Decimal,
        base_units: Decimal,
        in_hours: int | None,
        waits: bool,
        is_approved: bool,
    ) -> None:
        """A rate takes two people, begins now or later, and never when another does."""
        begins = None if in_hours is None else self.at + timedelta(hours=in_hours)
        try:
            asked = currencies.propose_rate(
                Currency.objects.get(code=code),
                units=units,
                base_units=base_units,
                valid_from=begins,
                by=self.by,
                at=self.at,
                reason="test",
            )
            if waits:
                self.a_minute_passes()
            if is_approved:
                approvals.approve(asked, self.checker, self.at)
        except InvalidRate:
            start = begins or self.at
            assert start < self.at or start in self.rates[code]
            return
        if is_approved:
            self.rates[code][begins or self.at] = Fraction(base_units) / Fraction(units)

    def worth_minor(self, code: str, paid_minor: int) -> int | None:
        """Return what money is worth now, a part of a cent cut off; None if it is not taken."""
        begun = [begins for begins in self.rates[code] if begins <= self.at]
        hours = self.holds_hours[code]
        if code not in self.accepted or not begun:
            return None
        if hours is not None and self.at >= max(begun) + timedelta(hours=hours):
            return None
        exact = Fraction(paid_minor, 10 ** DIGITS[code]) * self.rates[code][max(begun)] * 100
        return exact.numerator // exact.denominator

    # --- sales -----------------------------------------------------------------------------------

    @rule(number=which, tender_minor=money, again=st.booleans(), hold=st.booleans())
    def sell_at_the_till(self, number: int, tender_minor: int, again: bool, hold: bool) -> None:
        """The cash is in the drawer, or with the other cash if there is no shift."""
        home = self.home(number)
        try:
            sale = self.sell(home, tender_minor, operator=self.teller, again=again, hold=hold)
        except NoOpenShift:
            assert self.a_till_shift(Shift.COUNTED)
            return
        if sale is not None:
            self.take(sale.tender_minor, BASE)

    @rule(
        number=which,
        code=other,
        paid_minor=st.integers(1, 20_000),
        again=st.booleans(),
        hold=st.booleans(),
    )
    def sell_for_foreign_cash(
        self, number: int, code: str, paid_minor: int, again: bool, hold: bool
    ) -> None:
        """What is sold is the worth at the rate of the moment, no minor unit more or less."""
        worth_minor = self.worth_minor(code, paid_minor)
        try:
            sale = self.sell(
                self.home(number),
                paid_minor,
                operator=self.teller,
                currency=code,
                worth_minor=worth_minor or 0,
                again=again,
                hold=hold,
            )
        except NO_RATE:
            assert worth_minor is None
            return
        except AmountWorthless:
            assert worth_minor == 0
            return
        except NoOpenShift:
            assert self.a_till_shift(Shift.COUNTED)
            return
        if sale is None:
            return
        assert (sale.paid_minor, sale.received_currency) == (paid_minor, code)
        assert sale.tender_minor == worth_minor
        self.take(paid_minor, code, worth_minor=worth_minor)

    @precondition(lambda _: Debt.objects.filter(balance_minor__gt=0).exists())
    @rule(number=which, code=other, paid_minor=st.integers(1, 2_000))
    def pay_a_debt_in_foreign_cash(self, number: int, code: str, paid_minor: int) -> None:
        """A debt takes the worth, and never more than is owed."""
        open_ones = Debt.objects.filter(balance_minor__gt=0).order_by("pk")
        debt = open_ones[number % len(open_ones)]
        worth_minor = self.worth_minor(code, paid_minor)
        try:
            sale = debt_payments.pay(
                caller=f"user:{self.teller.pk}",
                message_id=self.new_message(),
                debt=debt,
                amount_minor=paid_minor,
                currency=code,
                operator=self.teller,
                at=self.at,
            )
        except NO_RATE:
            assert worth_minor is None
            return
        except (AmountWorthless, InvalidTender):
            assert not 0 < (worth_minor or 0) <= self.books.owed_minor[debt.pk]
            return
        except NoOpenShift:
            assert self.a_till_shift(Shift.COUNTED)
            return
        assert sale.tender_minor == worth_minor
        self.take(paid_minor, code, worth_minor=worth_minor)
        self.books.owed_minor[debt.pk] -= sale.tender_minor
        self.books.paid_into[sale.pk] = {debt.pk: sale.tender_minor}

    def take(self, paid_minor: int, code: str, *, worth_minor: int = 0) -> None:
        """Write down money that the teller took."""
        self.note_cash(self.cash_place(self.teller), paid_minor, code, worth_minor=worth_minor)

    def cash_place(self, operator: User) -> str:
        """Return where the cash of whoever sells or gives back is."""
        at_till = operator == self.teller and self.a_till_shift(Shift.OPEN) is not None
        return self.drawer if at_till else super().cash_place(operator)

    # --- the drawer and the safe -----------------------------------------------------------------

    @rule(amount_minor=money, code=st.sampled_from([BASE, *sorted(DIGITS)]))
    def fill_the_safe(self, amount_minor: int, code: str) -> None:
        """Cash is fetched from the bank, of currencies that the utility takes."""
        try:
            shifts.fill_safe(
                amount_minor=amount_minor, currency=code, by=self.by, at=self.at, reason="test"
            )
        except ShiftRefused:
            assert code not in (BASE, *self.accepted)
            return
        self.books.add(chart.CASH_IN_SAFE, amount_minor, code)
        self.books.add(chart.BANK, -amount_minor, code)

    @precondition(lambda self: self.a_till_shift() is None)
    @rule(float_minor=cash, others=st.dictionaries(other, cash))
    def open_the_drawer(self, float_minor: int, others: dict[str, int]) -> None:
        """What is in the drawer comes out of the safe, which never gives what it does not have."""
        wanted = {BASE: float_minor} | others
        too_much = any(
            self.books.of(chart.CASH_IN_SAFE, code) < minor for code, minor in wanted.items()
        )
        try:
            shifts.open_shift(
                till=self.till, float_minor=float_minor, others=others, by=self.teller, at=self.at
            )
        except SafeTooLow:
            assert too_much
            return
        assert not too_much
        for code, minor in wanted.items():
            self.books.add(chart.CASH_IN_SAFE, -minor, code)
            self.books.add(self.drawer, minor, code)

    @precondition(lambda self: self.a_till_shift() is not None)
    @rule(
        differs=st.dictionaries(
            st.sampled_from([BASE, *sorted(DIGITS)]), st.sampled_from([-100, 250]), max_size=2
        ),
        is_closed=st.sampled_from([True, True, False]),
    )
    def count_the_drawer(self, differs: dict[str, int], is_closed: bool) -> None:
        """Each currency is counted by itself; what is over in one makes up for none in another."""
        shift = self.a_till_shift()
        assert shift is not None
        held = {code: self.books.of(self.drawer, code) for code in (BASE, *DIGITS)}
        assert {code: shift.expected_in(code) for code in held} == held
        found = {code: max(0, minor + differs.get(code, 0)) for code, minor in held.items()}
        shift = shifts.cash_up(
            shift,
            counted_minor=found[BASE],
            others={code: found[code] for code in DIGITS},
            by=self.teller,
            at=self.at,
        )
        assert shift.differs == (found != held)
        if not is_closed:
            return
        by = self.by if found != held else self.teller
        shifts.close(shift, by=by, at=self.at, note="counted twice")
        for code, minor in found.items():
            self.books.add(chart.CASH_IN_SAFE, minor, code)
            self.books.add(self.drawer, -held[code], code)
            self.books.add(chart.CASH_DIFFERENCES, held[code] - minor, code)

    @invariant()
    def no_place_gave_cash_that_it_had_not(self) -> None:
        """Nobody ever holds less than nothing."""
        for place in (chart.CASH_AT_TILLS, chart.CASH_IN_SAFE, self.drawer):
            assert all(self.books.of(place, code) >= 0 for code in (BASE, *DIGITS))

    def a_till_shift(self, *states: str) -> Shift | None:
        """Return the teller's shift that is not closed, if there is one in such a state."""
        running = Shift.objects.filter(user=self.teller).exclude(state=Shift.CLOSED)
        return running.filter(state__in=states or (Shift.OPEN, Shift.COUNTED)).first()
