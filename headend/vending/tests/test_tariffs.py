"""Tariffs in the vend: local months, fees that accumulate, steps, payments without a token."""

from datetime import UTC, datetime, timedelta

import pytest

from headend.accounts.services import console_user
from headend.customers.services import replace_meter
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.ledger.queries import balance_minor, trial_balance
from headend.tariffs.components import (
    AVERAGE_USE,
    DAY,
    ROLLING_DAYS,
    Energy,
    EnergyByBand,
    PercentLevy,
    PeriodicFee,
    Rebate,
    Step,
    Tax,
    TenderDuty,
)
from headend.tariffs.errors import AttributeMissing
from headend.tariffs.rules import WITHIN_PERIOD, FeeRecovery
from headend.testing import NOON, make_meter
from headend.vending import services
from headend.vending.errors import InvalidTender, TenderTooSmall
from headend.vending.models import Sale
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
    dearer = sell(Energy("Power", (Step(None, D(4)),)), valid_from=NOON + 2 * DAYS)
    assert told(dearer("60", NOON + 3 * DAYS)) == {"Power": 60, "kWh": 15}
    sale = Sale.objects.get(pk=sale.pk)
    assert told(sale) == {"Energy, step 1": 50, "Energy, step 2": 10, "kWh": 55}
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
