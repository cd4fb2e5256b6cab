"""A lower price for small users in the vend: what is repriced, owed, and paid later."""

from datetime import UTC, datetime, timedelta

import pytest

from headend.accounts.services import console_user
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.ledger.queries import balance_minor
from headend.tariffs.components import (
    NEXT_PURCHASE,
    Energy,
    Lifeline,
    PeriodicFee,
    Step,
    Tax,
)
from headend.testing import NOON
from headend.vending.debt_payments import pay
from headend.vending.errors import TenderTooSmall
from headend.vending.opening import record_opening_use
from headend.vending.tests.under_tariffs import (
    DAYS,
    DECEMBER,
    ONE_RATE,
    STEPS,
    D,
    selling,
    told,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def sell(db):
    return selling()


def test_lifeline_price_and_what_it_leaves_for_the_next_purchase(sell):
    vend = sell(Energy("Energy", (Step(None, D(2)),)), Lifeline("Small", D(30), D(1)))
    first = vend("45", NOON + DAYS)  # at 1.00 more than 30 kWh, at 2.00 less
    assert told(first) == {"Energy": 30, "Left for the next purchase": 15, "kWh": 30}
    assert balance_minor("carried.purchases", "ZAR") == -1500
    second = vend("65", NOON + 2 * DAYS)
    assert told(second) == {
        "Energy bought earlier, repriced": 30,
        "Energy": 50,
        "Left by the last purchase": -15,
        "kWh": 25,
    }
    assert balance_minor("carried.purchases", "ZAR") == 0
    assert told(vend("10", NOON + 3 * DAYS)) == {"Energy": 10, "kWh": 5}
    assert told(vend("10", DECEMBER)) == {"Energy": 10, "kWh": 10}


def test_lifeline_recovered_with_the_next_purchase(sell):
    vend = sell(
        Energy("Energy", (Step(None, D(2)),)), Lifeline("Small", D(30), D(1), NEXT_PURCHASE)
    )
    assert told(vend("50", NOON + DAYS))["kWh"] == 40
    assert told(vend("50", NOON + DAYS)) == {
        "Energy bought earlier, repriced": 30,
        "Energy": 20,
        "kWh": 10,
    }
    assert told(vend("50", NOON + DAYS))["kWh"] == 25


WITH_THE_NEXT = (
    Energy("Energy", (Step(None, D(2)),)),
    Lifeline("Small", D(30), D(1), NEXT_PURCHASE),
)
EARLIER = "Energy bought earlier, repriced"
LATER = "Energy, to be repriced"


def test_a_payment_too_small_for_the_repricing_pays_a_part_and_the_next_one_the_rest(sell):
    vend = sell(*WITH_THE_NEXT)
    vend("50", NOON + DAYS)
    part = vend("10", NOON + DAYS, send=True)
    assert told(part) == {EARLIER: 10, "Energy": 0, "kWh": 0}
    assert not part.tokens.exists()
    assert part.calculation["lines"][0]["explanation"].endswith("; 20.00 of it stays owed")
    kept = {"month": "2026-11", "is": "crossed", "owed_minor": 20_00}
    assert part.calculation["state"]["lifeline"] == kept
    assert told(vend("50", NOON + DAYS)) == {EARLIER: 20, "Energy": 30, "kWh": 15}
    assert told(vend("50", NOON + DAYS)) == {"Energy": 50, "kWh": 25}


def test_a_repricing_is_not_forgiven_by_a_payment_that_a_debt_shares(sell):
    vend = sell(*WITH_THE_NEXT)
    vend("50", NOON + DAYS)
    debt = open_debt(
        owner=sell.agreement.customer,
        title="Old bill",
        amount_minor=10_00,
        terms=Terms(method="percent", percent=D(50)),
        by=console_user(),
        at=NOON,
    )
    pay(
        caller="test",
        message_id="d",
        debt=debt,
        amount_minor=4_00,
        operator=console_user(),
        at=NOON + DAYS,
    )
    assert told(vend("20", NOON + DAYS)) == {EARLIER: 20, "Energy": 0, "kWh": 0}
    assert told(vend("36", NOON + DAYS)) == {EARLIER: 10, "Old bill": 6, "Energy": 20, "kWh": 10}


def test_a_repricing_waits_for_the_next_purchase_of_another_month_too(sell):
    vend = sell(*WITH_THE_NEXT)
    vend("50", NOON + DAYS)
    assert told(vend("10", DECEMBER)) == {EARLIER: 10, "Energy": 0, "kWh": 0}
    assert told(vend("30", DECEMBER)) == {EARLIER: 20, "Energy": 10, "kWh": 10}
    assert told(vend("10", DECEMBER)) == {"Energy": 10, "kWh": 10}


def test_a_repricing_is_owed_under_a_later_version_without_a_lower_price(sell):
    sell(*WITH_THE_NEXT)("50", NOON + DAYS)
    vend = sell(ONE_RATE, valid_from=NOON + 2 * DAYS)
    assert told(vend("10", NOON + 2 * DAYS)) == {EARLIER: 10, "Energy": 0, "kWh": 0}
    assert told(vend("30", NOON + 2 * DAYS)) == {EARLIER: 20, "Energy": 10, "kWh": 10}
    assert told(vend("30", NOON + 2 * DAYS)) == {"Energy": 30, "kWh": 30}


def test_what_an_earlier_version_sold_in_full_is_not_charged_again_at_the_limit(sell):
    fee = PeriodicFee("Service", D(10))
    dear = Energy("Energy", (Step(None, D(2)),))
    at_first = sell(fee, dear)("50", NOON + DAYS)
    assert told(at_first) == {"Service": 10, "Energy": 40, "kWh": 20}
    lower_fee = PeriodicFee("Service", D(10), lifeline_amount=D(2))
    vend = sell(lower_fee, dear, Lifeline("Small", D(30), D(1)), valid_from=NOON + 2 * DAYS)
    small = vend("4", NOON + 2 * DAYS)
    assert told(small) == {"Energy": 4, "kWh": 4}
    kept = {"month": "2026-11", "is": "open", "full_price_wh": 20_000}
    assert small.calculation["state"]["lifeline"] == kept
    # Of the 24 kWh only 4 were cheaper, by 1.00 each; the month's fee was paid in full.
    assert told(vend("44", NOON + 3 * DAYS)) == {EARLIER: 4, "Energy": 40, "kWh": 20}
    assert told(vend("20", NOON + 3 * DAYS)) == {"Energy": 20, "kWh": 10}
    assert told(vend("12", DECEMBER)) == {"Service": 2, "Energy": 10, "kWh": 10}


def test_who_is_beyond_a_limit_that_begins_in_mid_month_owes_nothing_for_before(sell):
    dear = Energy("Energy", (Step(None, D(2)),))
    sell(dear)("100", NOON + DAYS)
    vend = sell(dear, Lifeline("Small", D(30), D(1), NEXT_PURCHASE), valid_from=NOON + 2 * DAYS)
    assert told(vend("20", NOON + 2 * DAYS)) == {"Energy": 20, "kWh": 10}
    assert told(vend("20", NOON + 2 * DAYS)) == {"Energy": 20, "kWh": 10}


def test_only_what_the_lower_price_sold_is_repriced_with_the_next_purchase(sell):
    dear = Energy("Energy", (Step(None, D(2)),))
    sell(dear)("40", NOON + DAYS)
    vend = sell(dear, Lifeline("Small", D(30), D(1), NEXT_PURCHASE), valid_from=NOON + 2 * DAYS)
    assert told(vend("30", NOON + 2 * DAYS))["kWh"] == 20  # 10 at 1.00, 10 at 2.00
    assert told(vend("20", NOON + 2 * DAYS)) == {EARLIER: 10, "Energy": 10, "kWh": 5}


def test_what_takes_over_an_opening_use_begins_with_nothing_owed(sell):
    vend = sell(*WITH_THE_NEXT)
    record_opening_use(
        sell.agreement,
        as_of=NOON,
        issued_wh=20_000,
        fees_through=NOON,
        by=console_user(),
        at=NOON + timedelta(seconds=2),
    )
    steps = {"Energy, step 1": 10, "Energy, step 2": 20}
    assert told(vend("30", NOON + DAYS)) == {**steps, LATER: 0, "kWh": 20}
    assert told(vend("30", NOON + DAYS)) == {EARLIER: 30, "Energy": 0, "kWh": 0}


def test_money_that_cannot_pass_the_limit_is_refused_with_what_would_be_enough(sell):
    taxed = Tax("VAT", D(10), ("Energy",))
    vend = sell(Energy("Energy", (Step(None, D(2)),)), Lifeline("Small", D(30), D(1)), taxed)
    vend("33", NOON + DAYS)
    with pytest.raises(TenderTooSmall) as refused:
        vend("20", NOON + DAYS)
    assert str(refused.value) == (
        "this tender buys no energy: R\u00a033.00 is to be paid first for energy already bought "
        "at the lower price of Test tariff; R\u00a033.22 or more pays that and buys energy"
    )
    assert told(vend("33.22", NOON + DAYS))["kWh"] == 0.1


def test_the_least_payment_of_a_repricing_is_named_where_money_pays_nothing_of_it(sell):
    taxed = Tax("VAT", D(10), ("Energy",))
    vend = sell(*WITH_THE_NEXT, taxed)
    vend("55", NOON + DAYS)
    with pytest.raises(TenderTooSmall, match=r"33\.00 is to be paid first"):
        vend("0.01", NOON + DAYS)


def test_energy_of_a_full_price_is_not_repriced_again_at_the_limit(sell):
    vend = sell(Energy("Energy", (Step(None, D(2)),)), Lifeline("Small", D(30), D(1)))
    vend("20", NOON + DAYS)
    at_the_limit = vend("40.10", NOON + DAYS)  # 10.05 kWh at 2.00, of which 10 are given
    assert told(at_the_limit) == {EARLIER: 20, "Energy": 20, "Rounding": 0.1, "kWh": 10}
    assert told(vend("20", NOON + DAYS)) == {"Energy": 20, "kWh": 10}


def test_who_only_pays_the_lower_fee_first_pays_the_rest_of_it_with_the_energy(sell):
    fee = PeriodicFee("Service", D(10), lifeline_amount=D(2))
    vend = sell(fee, Energy("Energy", (Step(None, D(2)),)), Lifeline("Small", D(30), D(1)))
    assert told(vend("2", NOON + DAYS)) == {"Service": 2, "Energy": 0, "kWh": 0}
    assert told(vend("108", NOON + DAYS)) == {"Service": 8, "Energy": 100, "kWh": 50}
    assert told(vend("20", NOON + DAYS)) == {"Energy": 20, "kWh": 10}


def test_limits_add_up_over_months_without_a_purchase(sell):
    vend = sell(Energy("Energy", STEPS.steps, limits_accumulate=True))
    assert told(vend("60", NOON + DAYS))["kWh"] == 55
    february = datetime(2027, 2, 10, tzinfo=UTC)  # three months since: 150 kWh
    assert told(vend("100", february))["kWh"] == 100
    assert told(vend("60", february + DAYS))["kWh"] == 55
