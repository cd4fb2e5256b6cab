"""Tariffs in the vend: local months, fees that accumulate, steps, payments without a token."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from headend.accounts.services import console_user
from headend.customers.services import replace_meter
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.ledger.queries import balance_minor, trial_balance
from headend.tariffs.components import (
    AVERAGE_USE,
    DAY,
    NEXT_PURCHASE,
    ROLLING_DAYS,
    Energy,
    EnergyByBand,
    Lifeline,
    PercentLevy,
    PeriodicFee,
    Rebate,
    Step,
    Tax,
    TenderDuty,
)
from headend.tariffs.errors import AttributeMissing
from headend.tariffs.rules import ROUNDED_KWH, WITHIN_PERIOD, FeeRecovery, Rounding, TariffRules
from headend.tariffs.services import publish_version
from headend.testing import NOON, make_meter, make_supply
from headend.vending import services
from headend.vending.debt_payments import pay
from headend.vending.errors import InvalidTender, TenderTooSmall
from headend.vending.opening import record_opening_use

pytestmark = pytest.mark.django_db
D = Decimal
DAYS = timedelta(days=1)
# 22:00 UTC is midnight in the utility's time zone, two hours ahead.
DECEMBER = datetime(2026, 11, 30, 22, 0, tzinfo=UTC)
STEPS = Energy("Energy", (Step(D(50), D(1)), Step(None, D(2))))
TAKES_ALL = FeeRecovery()
ONE_RATE = Energy("Energy", (Step(None, D(1)),))


@pytest.fixture
def sell(db):
    """Publish a tariff and return what sells under it; a sale is told as its lines."""
    agreement = make_supply()

    def publish(*parts, recovery=TAKES_ALL, valid_from=NOON + timedelta(seconds=1)):
        publish_version(
            code="test",
            name="Test",
            valid_from=valid_from,
            rules=TariffRules(parts, Rounding(lines_from=ROUNDED_KWH), recovery),
            by=console_user(),
            at=NOON,
        )

        def sell(tender, at, **more):
            publishing.count += 1
            done = services.vend(
                caller="test",
                message_id=f"m{publishing.count}",
                meter=agreement.meter,
                tender_minor=int(D(tender) * 100),
                operator=console_user(),
                at=at,
                **more,
            )
            lines = done.lines.order_by("position")
            assert sum(line.amount_minor for line in lines) == done.tender_minor
            return done

        return sell

    publishing: Any = publish
    publishing.count, publishing.agreement = 0, agreement
    return publishing


def told(sale):
    """Return a sale's lines as {title: money}, and its kWh."""
    lines = {line.description: line.amount_minor / 100 for line in sale.lines.all()}
    return lines | {"kWh": sale.issued_wh / 1000}


def test_steps_count_what_was_issued_in_the_local_month(sell):
    vend = sell(STEPS)
    at = NOON + DAYS
    assert told(vend("40", at)) == {"Energy": 40, "kWh": 40}
    second = vend("40", at + DAYS)
    assert told(second) == {"Energy, step 1": 10, "Energy, step 2": 30, "kWh": 25}
    assert second.calculation["bought_wh"] == 40_000
    assert told(vend("40", DECEMBER - timedelta(seconds=1))) == {"Energy": 40, "kWh": 20}
    assert told(vend("40", DECEMBER)) == {"Energy": 40, "kWh": 40}


def test_a_rolling_window(sell):
    vend = sell(Energy("Energy", STEPS.steps, ROLLING_DAYS, 10))
    at = NOON + DAYS
    vend("50", at)
    assert told(vend("10", at + 9 * DAYS))["kWh"] == 5
    assert told(vend("10", at + 11 * DAYS))["kWh"] == 10


def test_fees_come_with_the_first_purchase_and_for_missed_months(sell):
    vend = sell(PeriodicFee("Service", D(10)), ONE_RATE, Tax("VAT", D(10), ("Service",)))
    first = vend("50", NOON + DAYS)
    assert told(first) == {"Service": 10, "Energy": 39, "VAT 10 %": 1, "kWh": 39}
    assert told(vend("50", NOON + 2 * DAYS)) == {"Energy": 50, "VAT 10 %": 0, "kWh": 50}
    march = datetime(2027, 3, 15, tzinfo=UTC)  # December, January, February, March
    assert told(vend("50", march)) == {"Service": 40, "Energy": 6, "VAT 10 %": 4, "kWh": 6}
    assert balance_minor("sales.fees", "ZAR") == -5000
    assert balance_minor("tax.sales", "ZAR") == -500
    assert sum(balance.amount_minor for balance in trial_balance()) == 0


def test_missed_months_can_be_limited_or_left_out(sell):
    vend = sell(
        PeriodicFee("Limited", D(10), max_periods=2),
        PeriodicFee("Present", D(1), accumulates=False),
        ONE_RATE,
    )
    vend("50", NOON + DAYS)
    later = vend("50", datetime(2027, 3, 15, tzinfo=UTC))
    assert told(later) == {"Limited": 20, "Present": 1, "Energy": 29, "kWh": 29}
    assert told(vend("50", datetime(2027, 3, 16, tzinfo=UTC)))["Energy"] == 50


def test_a_capped_fee_is_taken_from_the_next_purchases(sell):
    vend = sell(PeriodicFee("Service", D(200)), ONE_RATE, recovery=FeeRecovery(D(50)))
    first = vend("200", NOON + DAYS)
    assert told(first) == {"Service": 100, "Energy": 100, "kWh": 100}
    assert first.calculation["state"]["fees"]["Service"]["owed_minor"] == 10_000
    assert told(vend("150", NOON + 2 * DAYS))["Service"] == 75
    assert told(vend("150", NOON + 3 * DAYS))["Service"] == 25
    assert "Service" not in told(vend("150", NOON + 4 * DAYS))


def test_what_is_owed_can_end_with_its_period(sell):
    vend = sell(
        PeriodicFee("Service", D(200)), ONE_RATE, recovery=FeeRecovery(D(50), WITHIN_PERIOD)
    )
    vend("200", NOON + DAYS)
    assert told(vend("500", DECEMBER))["Service"] == 200


def test_fees_by_the_day(sell):
    vend = sell(PeriodicFee("Daily", D("0.50"), DAY), ONE_RATE)
    assert told(vend("10", NOON + timedelta(seconds=1)))["Daily"] == 0.5
    assert told(vend("10", NOON + 5 * DAYS))["Daily"] == 2.5
    assert "Daily" not in told(vend("10", NOON + 5 * DAYS))


def test_a_fee_collected_with_the_energy(sell):
    vend = sell(PeriodicFee("Connection", D(30), collected_per_kwh=D("0.50")), ONE_RATE)
    assert told(vend("45", NOON + DAYS)) == {"Connection": 15, "Energy": 30, "kWh": 30}
    assert told(vend("60", NOON + DAYS)) == {"Connection": 15, "Energy": 45, "kWh": 45}
    assert told(vend("60", NOON + DAYS)) == {"Energy": 60, "kWh": 60}


def test_a_fee_owed_under_an_older_version_is_not_forgotten(sell):
    fee = PeriodicFee("Service", D(200))
    sell(fee, ONE_RATE, recovery=FeeRecovery(D(50)))("200", NOON + DAYS)
    sell(ONE_RATE, valid_from=NOON + 2 * DAYS)("10", NOON + 2 * DAYS)
    vend = sell(fee, ONE_RATE, valid_from=NOON + 3 * DAYS)
    assert told(vend("300", NOON + 3 * DAYS))["Service"] == 100


def test_a_payment_that_fees_take_whole_gives_no_token(sell):
    vend = sell(PeriodicFee("Service", D(20)), ONE_RATE)
    sale = vend("20", NOON + DAYS, send=True)
    assert (sale.issued_wh, sale.encoded_wh) == (0, 0)
    assert not sale.tokens.exists()
    assert told(sale) == {"Service": 20, "Energy": 0, "kWh": 0}
    with pytest.raises(TenderTooSmall):
        vend("0.05", NOON + DAYS)


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


def test_a_band_by_average_use(sell):
    bands = (Step(D(30), D(1)), Step(None, D(2)))
    vend = sell(EnergyByBand("Energy", AVERAGE_USE, bands, months=2))
    assert told(vend("40", NOON + DAYS))["kWh"] == 40  # nothing is known yet
    assert told(vend("40", DECEMBER))["kWh"] == 20  # November: 40 kWh
    january = datetime(2027, 1, 10, tzinfo=UTC)  # 60 kWh in two months
    assert told(vend("40", january))["kWh"] == 40


def test_by_the_size_of_the_connection(sell):
    vend = sell(
        PeriodicFee("Capacity", D(10), per_kva=True),
        TenderDuty("Duty", D(100), amount=D(3)),
        ONE_RATE,
        PercentLevy("Town", D(0), ("Energy",), (Step(D(900), D(2)), Step(None, D(25)))),
        Rebate("Rebate", D(5), ("Energy",)),
    )
    with pytest.raises(AttributeMissing, match="connection"):
        vend("103", NOON + DAYS)
    sell.agreement.connection_va = 2200
    sell.agreement.save()
    assert told(vend("145", NOON + DAYS)) == {
        "Capacity": 22,
        "Duty": 3,
        "Energy": 100,
        "Town 25 %": 25,
        "Rebate 5 %": -5,
        "kWh": 100,
    }
    assert balance_minor("tax.duty", "ZAR") == -300
    assert balance_minor("sales.rebates", "ZAR") == 500
    assert balance_minor("sales.levies", "ZAR") == -2500


def test_a_sale_keeps_its_words_and_prices(sell):
    sale = sell(STEPS)("60", NOON + DAYS)
    assert [line["explanation"] for line in sale.calculation["lines"]] == [
        "50.0 kWh at 1.00 (up to 50 kWh)",
        "5.0 kWh at 2.00 (above 50 kWh)",
    ]
    assert [line["price_minor_per_kwh"] for line in sale.calculation["lines"]] == ["100", "200"]


def test_so_many_kwh_cost_the_least_money_that_buys_them(sell):
    vend = sell(PeriodicFee("Service", D(10)), STEPS, Tax("VAT", D(10), ("Energy",)))
    at = NOON + DAYS
    quote = services.trial_energy(meter=sell.agreement.meter, energy_wh=60_000, at=at)
    assert quote.tender_minor == 1000 + (5000 + 2000) * 110 // 100
    assert quote.issued_wh == 60_000
    less = services.trial_vend(
        meter=sell.agreement.meter, tender_minor=quote.tender_minor - 1, at=at
    )
    assert less.issued_wh < 60_000
    vend("87", at)
    again = services.trial_energy(meter=sell.agreement.meter, energy_wh=10_000, at=at)
    assert again.tender_minor == 2200
    with pytest.raises(InvalidTender):
        services.trial_energy(meter=sell.agreement.meter, energy_wh=0, at=at)


def test_debts_are_in_the_price_of_so_many_kwh(sell):
    sell(ONE_RATE)
    open_debt(
        owner=sell.agreement.customer,
        title="Old bill",
        amount_minor=100_000,
        terms=Terms(method="percent", percent=D(20)),
        by=console_user(),
        at=NOON,
    )
    quote = services.trial_energy(meter=sell.agreement.meter, energy_wh=80_000, at=NOON + DAYS)
    assert quote.tender_minor == 9999  # a fifth of it, down to the cent, is 19.99
    assert [(line.kind, line.amount_minor) for line in quote.lines] == [
        ("debt", 1999),
        ("energy", 8000),
    ]


def test_the_month_goes_on_when_the_meter_is_replaced(sell):
    vend = sell(STEPS, PeriodicFee("Service", D(10)))
    assert vend(60, NOON + DAYS).issued_wh == 50_000  # the fee, and the first step to its limit
    new = make_meter()
    replace_meter(
        sell.agreement, new, by=console_user(), at=NOON + DAYS + timedelta(hours=1), reason="burnt"
    )
    after = vend(20, NOON + 2 * DAYS)
    assert (after.meter, after.issued_wh) == (new, 10_000)  # no second fee, second step
