"""What is earned, worked out by hand."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headend.vendors.earnings import ADDED, INCLUDED, NO_TAX, Rate


@pytest.mark.parametrize(
    ("percent", "tax", "tax_percent", "paid", "credit", "tax_within"),
    [
        ("3", NO_TAX, "15", 97_00, 100_00, 0),
        ("3", INCLUDED, "15", 97_00, 100_00, 39),  # 3.00 * 15 / 115
        ("3", ADDED, "15", 96_55, 100_00, 45),  # keeps 3.00 and 0.45 of 100.00
        ("0", NO_TAX, "0", 97_00, 97_00, 0),
        ("2.5", NO_TAX, "0", 100_00, 102_56, 0),  # 102.5641
        ("33.333", NO_TAX, "0", 1, 1, 0),  # 1.49 coins
        ("50", NO_TAX, "0", 1, 2, 0),
    ],
)
def test_credit_for_a_payment(percent, tax, tax_percent, paid, credit, tax_within):
    rate = Rate(Decimal(percent), tax, Decimal(tax_percent))
    assert rate.credit_for(paid) == credit
    assert rate.tax_within(credit - paid) == tax_within


@pytest.mark.parametrize(
    ("percent", "tax", "tender", "earned", "tax_within"),
    [
        ("2", NO_TAX, 50_00, 1_00, 0),
        ("2", INCLUDED, 50_00, 1_00, 13),  # 13.04
        ("2", ADDED, 50_00, 1_15, 15),
        ("2", NO_TAX, 25, 1, 0),  # half a coin rounds up
        ("2", NO_TAX, 24, 0, 0),
    ],
)
def test_commission_on_a_sale(percent, tax, tender, earned, tax_within):
    rate = Rate(Decimal(percent), tax, Decimal(15))
    assert rate.earned_on_sale(tender) == earned
    assert rate.tax_within(earned) == tax_within


@given(
    percent=st.decimals(0, Decimal("86.9"), places=3),
    tax=st.sampled_from([NO_TAX, INCLUDED, ADDED]),
    amount=st.integers(1, 10**11),
)
def test_a_vendor_never_earns_more_than_there_is(percent, tax, amount):
    rate = Rate(percent, tax, Decimal(15))
    assert rate.credit_for(amount) >= amount
    earned = rate.earned_on_sale(amount)
    assert 0 <= rate.tax_within(earned) <= earned <= amount
