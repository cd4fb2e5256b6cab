"""What can happen to a vendor: credit is bought, shifts are opened and closed."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from headend.accounts import approvals
from headend.ledger import chart
from headend.ledger.models import BankPayment
from headend.ledger.suspense import PaymentDiffers, PaymentNotWaiting
from headend.tests.engine import Engine, money, which
from headend.tests.engine_books import WALLETS
from headend.vendors import acts, shifts
from headend.vendors.errors import PaymentReferenceTaken
from headend.vendors.models import Shift
from headend.vendors.tests.conftest import Shop


class Vendors(Engine):
    """One vendor with a till, a cashier and a manager."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop()

    @rule(paid_minor=money, is_approved=st.booleans())
    def buy_credit(self, paid_minor: int, is_approved: bool) -> None:
        """Credit is there when somebody else has seen the payment."""
        request = acts.request_purchase(
            self.shop.vendor,
            paid_minor=paid_minor,
            payment_reference=self.new_message(),
            by=self.shop.manager,
            at=self.at,
        )
        if is_approved:
            approvals.approve(request, self.checker, self.at)
            self.books.add(chart.BANK, paid_minor)
            self.books.add(WALLETS, -paid_minor)

    @precondition(lambda _: BankPayment.objects.exists())
    @rule(number=which, paid_minor=money)
    def buy_credit_with_a_known_payment(self, number: int, paid_minor: int) -> None:
        """What lies in suspense becomes credit once, and only the very amount."""
        payment = BankPayment.objects.order_by("pk")[number % BankPayment.objects.count()]
        waits = payment.state == BankPayment.WAITING
        amount_minor = payment.amount_minor if number % 3 else paid_minor
        try:
            request = acts.request_purchase(
                self.shop.vendor,
                paid_minor=amount_minor,
                payment_reference=payment.reference,
                by=self.shop.manager,
                at=self.at,
            )
            approvals.approve(request, self.checker, self.at)
        except PaymentDiffers:
            assert amount_minor != payment.amount_minor
            return
        except (PaymentNotWaiting, PaymentReferenceTaken):
            assert not waits or self.asked_for(payment)
            return
        assert waits
        assert amount_minor == payment.amount_minor
        self.books.add(chart.SUSPENSE, amount_minor)
        self.books.add(WALLETS, -amount_minor)

    def asked_for(self, payment: BankPayment) -> bool:
        """Say whether credit for a payment was asked for before and not given."""
        return (
            acts.requests_waiting().filter(arguments__payment_reference=payment.reference).exists()
        )

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
        """What the vendor has paid ahead and not sold yet, by our books."""
        return -self.books.of(WALLETS)

    @invariant()
    def the_wallet_is_never_overdrawn(self) -> None:
        """Whatever is sold and given back; what the ledger says is compared with the books."""
        assert self.wallet_minor >= 0
