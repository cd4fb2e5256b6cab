"""What the bank buys: money in other currencies, out of any place that has it."""

from __future__ import annotations

from fractions import Fraction
from math import floor

from hypothesis import strategies as st
from hypothesis.stateful import rule

from headend.accounts import approvals
from headend.config import iso4217
from headend.currencies.models import SoldCash
from headend.currencies.sold import PLACES
from headend.design import figures
from headend.ledger import chart, suspense
from headend.ledger.cash import BankTooLow, SafeTooLow, TillsTooLow
from headend.tests.engine import money
from headend.tests.engine_bank import Bank
from headend.tests.engine_tills import Tills, other


class Exchange(Tills, Bank):
    """The bank buys what the tills took, for more or less than it was taken at."""

    @rule(
        code=other,
        to=st.sampled_from(sorted(PLACES)),
        amount_minor=money,
        fetched_minor=money,
        takes_all=st.booleans(),
    )
    def the_bank_buys(
        self, code: str, to: str, amount_minor: int, fetched_minor: int, takes_all: bool
    ) -> None:
        """What is sold leaves at its share of what all of it stood at; the rest is gained."""
        place, exchange = PLACES[to][0], chart.exchange_account(code)
        held_minor = self.books.of(place, code)
        if takes_all:
            amount_minor = max(held_minor, 1)
        payment = suspense.enter(
            reference=self.new_message(),
            amount_minor=fetched_minor,
            paid_on=self.at.date(),
            by=self.by,
            at=self.at,
        )
        self.books.add(chart.BANK, fetched_minor)
        self.books.add(chart.SUSPENSE, -fetched_minor)
        written = figures.decimal(amount_minor, digits=iso4217.decimals(code), grouped=False)
        try:
            request = suspense.request_clearing(
                payment, to=to, names=f"{code} {written}", by=self.by, at=self.at, reason="test"
            )
            approvals.approve(request, self.checker, self.at)
        except (SafeTooLow, TillsTooLow, BankTooLow):
            assert held_minor < amount_minor
            return
        assert held_minor >= amount_minor
        taken_minor, stood_minor = -self.books.of(exchange, code), self.books.of(exchange)
        share = Fraction(min(amount_minor, max(taken_minor, 0)), max(taken_minor, 1))
        beyond = Fraction(max(amount_minor - max(taken_minor, 0), 0), amount_minor)
        worth_minor = sum(
            floor(one + Fraction(1, 2)) for one in (stood_minor * share, fetched_minor * beyond)
        )
        assert SoldCash.objects.get(payment=payment).worth_minor == worth_minor
        self.books.add(chart.SUSPENSE, fetched_minor)
        self.books.add(place, -amount_minor, code)
        self.books.add(exchange, amount_minor, code)
        self.books.add(exchange, -worth_minor)
        self.books.add(chart.EXCHANGE_DIFFERENCES, worth_minor - fetched_minor)
