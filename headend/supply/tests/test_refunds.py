"""What a settlement gives back is paid once, out of cash that is there, by two above a limit."""

import pytest

from headend.accounts import approvals
from headend.accounts.models import Approval
from headend.accounts.services import console_user, create_user
from headend.ledger.cash import SafeTooLow
from headend.ledger.queries import balance_minor
from headend.supply import refunds
from headend.supply.errors import (
    RefundNotPossible,
)
from headend.supply.models import Closing, Refund
from headend.supply.rules import set_rule
from headend.supply.tests.conftest import LATER, agrees, close
from headend.testing import NOON
from headend.vendors.shifts import fill_safe

pytestmark = pytest.mark.django_db


def test_a_small_refund_is_paid_at_once_and_once(supply):
    set_rule(valuation="last_purchase", refund_limit_minor=30_00, by=console_user(), at=NOON)
    done = close(supply)
    paid = refunds.pay(done, method="bank", reference="T1", by=console_user(), at=LATER)
    assert isinstance(paid, Refund)
    assert Closing.objects.get().state == "refunded"
    assert balance_minor("refunds.customers", "ZAR") == 0
    with pytest.raises(RefundNotPossible, match="paid already"):
        refunds.pay(done, method="cash", by=console_user(), at=LATER)
    assert agrees()


def test_a_refund_above_the_limit_needs_a_second_person(supply):
    done = close(supply)
    fill_safe(amount_minor=28_75, by=console_user(), at=LATER, reason="refunds")
    asked = refunds.pay(done, method="cash", by=console_user(), at=LATER)
    assert isinstance(asked, Approval)
    assert "R\u00a028.75" in asked.summary
    with pytest.raises(RefundNotPossible, match="waits"):
        refunds.pay(done, method="cash", by=console_user(), at=LATER)
    assert balance_minor("refunds.customers", "ZAR") == -28_75
    approver = create_user(username="second", password=None, groups=("approver",))
    approvals.approve(asked, approver, LATER)
    refund = Refund.objects.get()
    assert refund.approved_by == approver
    assert balance_minor("cash.safe", "ZAR") == 0
    assert agrees()


@pytest.mark.parametrize("limit_minor", [0, 30_00])
def test_no_more_cash_is_paid_than_the_safe_holds(supply, limit_minor):
    set_rule(valuation="last_purchase", refund_limit_minor=limit_minor, by=console_user(), at=NOON)
    done = close(supply)
    fill_safe(amount_minor=28_74, by=console_user(), at=LATER, reason="refunds")
    with pytest.raises(SafeTooLow, match="fetched from the bank"):
        refunds.pay(done, method="cash", by=console_user(), at=LATER)
    assert balance_minor("cash.safe", "ZAR") == 28_74
    fill_safe(amount_minor=1, by=console_user(), at=LATER, reason="refunds")
    refunds.pay(done, method="cash", by=console_user(), at=LATER)
