"""What the bank tells: payments that wait in suspense until somebody knows where they belong."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from headend.accounts import approvals
from headend.config import opaque
from headend.debts.errors import BalanceTooSmall, InvalidDebt
from headend.debts.models import Debt
from headend.ledger import chart, suspense
from headend.ledger.cash import SafeTooLow, TillsTooLow
from headend.ledger.models import BankPayment
from headend.tests.engine import Engine, money, which
from headend.tests.engine_books import BASE
from headend.vendors.models import Purchase

PLACES_OF_CASH = {"safe": chart.CASH_IN_SAFE, "tills": chart.CASH_AT_TILLS}


class Bank(Engine):
    """Payments come in, and are moved to the safe's, a debt's or the payer's account."""

    @rule(amount_minor=money, number=which, currency=st.sampled_from(["", "", "USD"]))
    def a_payment_comes_in(self, amount_minor: int, number: int, currency: str) -> None:
        """It waits in suspense, unless it became a vendor's credit already; each once."""
        known = list(Purchase.objects.order_by("pk"))
        is_known = bool(known) and number % 3 == 0
        reference = known[number % len(known)].payment_reference if is_known else None
        try:
            payment = suspense.enter(
                reference=reference or self.new_message(),
                amount_minor=amount_minor,
                currency=currency,
                paid_on=self.at.date(),
                by=self.by,
                at=self.at,
            )
        except (suspense.PaymentDiffers, suspense.PaymentKnown):
            assert is_known
            return
        except suspense.InvalidPayment:
            assert currency not in {code for _, code in self.books.moved()}
            return
        if payment.state == BankPayment.WAITING:
            assert not is_known
            self.books.add(chart.BANK, amount_minor, payment.currency)
            self.books.add(chart.SUSPENSE, -amount_minor, payment.currency)

    @precondition(lambda _: BankPayment.objects.exists())
    @rule(number=which, to=st.sampled_from(["safe", "tills", "returned", "debt"]))
    def find_out_whose_it_is(self, number: int, to: str) -> None:
        """A payment leaves suspense once, and a debt never takes more than is owed."""
        payment = BankPayment.objects.order_by("pk")[number % BankPayment.objects.count()]
        waits = payment.state == BankPayment.WAITING
        debt = Debt.objects.order_by("-balance_minor").first()
        try:
            request = suspense.request_clearing(
                payment,
                to=to,
                names=opaque.id_of(debt) if debt and to == "debt" else "",
                by=self.by,
                at=self.at,
                reason="test",
            )
            approvals.approve(request, self.checker, self.at)
        except suspense.PaymentNotWaiting:
            assert not waits
            return
        except (SafeTooLow, TillsTooLow):
            held_minor = self.books.of(PLACES_OF_CASH[to], payment.currency)
            assert held_minor < payment.amount_minor
            return
        except BalanceTooSmall:
            assert debt is not None
            assert self.books.owed_minor[debt.pk] < payment.amount_minor
            return
        except InvalidDebt:
            assert to == "debt"
            assert debt is None or payment.currency != BASE
            return
        assert waits
        self.books.add(chart.SUSPENSE, payment.amount_minor, payment.currency)
        if to == "debt" and debt is not None:
            self.books.owed_minor[debt.pk] -= payment.amount_minor
        else:
            place = PLACES_OF_CASH.get(to, chart.BANK)
            self.books.add(place, -payment.amount_minor, payment.currency)
