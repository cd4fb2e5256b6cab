"""The split of a payment between debts and energy: worked cases and what always holds."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headend.debts.allocation import METHODS, OpenDebt, allocate, demand, due_by_plan


def debt(method="per_purchase", **more):
    fields: dict[str, Any] = {"key": 1, "priority": 1, "balance_minor": 100_00}
    return OpenDebt(method=method, **(fields | more))


HALF_LEFT = Decimal("0.5")

# tender, debts, energy floor, fees, what each debt gets, what is left for energy
CASES = {
    "no debt": (50_00, [], HALF_LEFT, 0, [], 50_00),
    "a fixed amount": (50_00, [debt(amount_minor=10_00)], HALF_LEFT, 0, [10_00], 40_00),
    "a third, rounded down": (
        10_00, [debt("percent", percent=Decimal("33.3333"))], HALF_LEFT, 0, [3_33], 6_67,
    ),
    "a third of what is owed, rounded up": (
        50_00, [debt("percent_owed", percent=Decimal(30), balance_minor=10_01)],
        HALF_LEFT, 0, [3_01], 46_99,
    ),
    "two at once with different bases": (
        100_00,
        [
            debt("percent", percent=Decimal(10), key=1),
            debt("percent_owed", percent=Decimal(30), key=2, balance_minor=40_00, priority=2),
        ],
        HALF_LEFT, 0, [10_00, 12_00], 78_00,
    ),
    "a share of what is owed comes to an end": (
        50_00, [debt("percent_owed", percent=Decimal("0.1"), balance_minor=1)],
        HALF_LEFT, 0, [1], 49_99,
    ),
    "never more than is owed": (
        50_00, [debt(amount_minor=10_00, balance_minor=7_25)], HALF_LEFT, 0, [7_25], 42_75,
    ),
    "the floor keeps half for energy": (
        50_00, [debt(amount_minor=40_00)], HALF_LEFT, 0, [25_00], 25_00,
    ),
    "the floor is rounded up": (
        1_01, [debt(amount_minor=40_00)], HALF_LEFT, 0, [50], 51,
    ),
    "no floor takes all": (50_00, [debt(amount_minor=60_00)], Decimal(0), 0, [50_00], 0),
    "a full floor takes nothing": (50_00, [debt(amount_minor=5_00)], Decimal(1), 0, [], 50_00),
    "fees come first": (
        50_00, [debt(amount_minor=40_00)], HALF_LEFT, 20_00, [5_00], 25_00,
    ),
    "fees above the floor leave debts nothing": (
        50_00, [debt(amount_minor=40_00)], HALF_LEFT, 30_00, [], 20_00,
    ),
    "the first priority is served first": (
        50_00,
        [debt(amount_minor=20_00, priority=2, key=2), debt(amount_minor=20_00, priority=1)],
        HALF_LEFT, 0, [20_00, 5_00], 25_00,
    ),
    "a cap per purchase": (
        90_00,
        [debt("percent", percent=Decimal(30), cap_per_purchase_minor=15_00)],
        HALF_LEFT, 0, [15_00], 75_00,
    ),
    "a cap per month that is nearly used up": (
        90_00,
        [
            debt(
                "percent", percent=Decimal(30), cap_per_month_minor=40_00,
                collected_this_month_minor=35_00,
            )
        ],
        HALF_LEFT, 0, [5_00], 85_00,
    ),
    "what the month still wants": (
        90_00,
        [debt("per_month", amount_minor=30_00, collected_this_month_minor=12_00)],
        HALF_LEFT, 0, [18_00], 72_00,
    ),
    "a month that has had its amount": (
        90_00,
        [debt("per_month", amount_minor=30_00, collected_this_month_minor=30_00)],
        HALF_LEFT, 0, [], 90_00,
    ),
    "two instalments missed, the third due": (
        500_00,
        [debt("instalments", principal_minor=100_00, instalments=4, instalments_due=3)],
        HALF_LEFT, 0, [75_00], 425_00,
    ),
    "instalments paid ahead by nothing": (
        500_00,
        [
            debt(
                "instalments", principal_minor=100_00, balance_minor=50_00, instalments=4,
                instalments_due=2,
            )
        ],
        HALF_LEFT, 0, [], 500_00,
    ),
    "the plan has ended: all that is left": (
        500_00,
        [
            debt(
                "instalments", principal_minor=100_00, balance_minor=10_01, instalments=3,
                instalments_due=9,
            )
        ],
        HALF_LEFT, 0, [10_01], 489_99,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("tender", "debts", "floor", "fees", "paid", "left"), CASES.values(), ids=CASES
)
def test_worked_case(tender, debts, floor, fees, paid, left):
    split = allocate(tender, debts, energy_floor=floor, fees_minor=fees)
    assert [payment.paid_minor for payment in split.payments] == paid
    assert split.left_minor == left


def test_a_payment_says_what_is_left_to_pay():
    (payment,) = allocate(
        50_00, [debt(amount_minor=10_00, key=7)], energy_floor=HALF_LEFT
    ).payments
    assert (payment.key, payment.balance_left_minor) == (7, 90_00)


def test_equal_priorities_are_paid_in_the_order_given():
    debts = [debt(amount_minor=20_00, key=key) for key in (5, 3)]
    split = allocate(50_00, debts, energy_floor=HALF_LEFT)
    assert [(one.key, one.paid_minor) for one in split.payments] == [(5, 20_00), (3, 5_00)]


def test_instalments_of_a_hundred_in_three():
    assert [due_by_plan(100, 3, due) for due in range(-1, 5)] == [0, 0, 34, 67, 100, 100]


money = st.integers(0, 10**7)


@st.composite
def open_debts(draw):
    principal = draw(money)
    return [
        OpenDebt(
            key=key,
            priority=draw(st.integers(1, 4)),
            balance_minor=draw(st.integers(0, principal)),
            method=draw(st.sampled_from(sorted(METHODS))),
            percent=draw(st.decimals(0, 100, places=2)),
            amount_minor=draw(money),
            principal_minor=principal,
            instalments=draw(st.integers(1, 36)),
            instalments_due=draw(st.integers(-2, 40)),
            collected_this_month_minor=draw(money),
            cap_per_purchase_minor=draw(st.none() | money),
            cap_per_month_minor=draw(st.none() | money),
        )
        for key in range(draw(st.integers(0, 5)))
    ]


floors = st.decimals(0, 1, places=4)
tenders = st.integers(1, 10**7)


@given(tenders, open_debts(), floors, st.fractions(0, 1))
def test_what_always_holds(tender, debts, floor, fee_share):
    fees = int(tender * fee_share)
    split = allocate(tender, debts, energy_floor=floor, fees_minor=fees)
    by_key = {one.key: one for one in debts}
    assert fees + split.debts_minor + split.left_minor == tender
    assert split.left_minor >= 0
    if split.payments:
        assert split.left_minor >= tender * Fraction(floor)
    for payment in split.payments:
        owed = by_key[payment.key]
        assert 0 < payment.paid_minor <= demand(owed, tender) <= owed.balance_minor
        assert payment.balance_left_minor == owed.balance_minor - payment.paid_minor


@given(tenders, open_debts(), floors)
def test_a_later_priority_gets_something_only_when_earlier_ones_have_all_they_ask(
    tender, debts, floor
):
    split = allocate(tender, debts, energy_floor=floor)
    paid = {payment.key: payment.paid_minor for payment in split.payments}
    in_order = sorted(debts, key=lambda one: one.priority)
    for earlier, later in pairwise(in_order):
        if later.key in paid:
            assert paid.get(earlier.key, 0) == demand(earlier, tender)


@given(tenders, tenders, open_debts(), floors)
def test_more_money_never_pays_less_debt(tender, more, debts, floor):
    less = allocate(tender, debts, energy_floor=floor).debts_minor
    assert allocate(tender + more, debts, energy_floor=floor).debts_minor >= less


@given(money, st.integers(1, 60))
def test_instalments_add_up_and_differ_by_a_unit_at_most(principal, count):
    due = [due_by_plan(principal, count, number) for number in range(count + 1)]
    parts = [later - earlier for earlier, later in pairwise(due)]
    assert sum(parts) == principal
    assert max(parts) - min(parts) <= 1
