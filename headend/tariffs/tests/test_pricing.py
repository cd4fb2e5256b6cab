"""The price calculation: worked cases, and that it never makes or loses money."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headend.tariffs.pricing import FlatTariff, price

# tender, price per kWh, tax %, energy step -> energy, tax and rounding lines, issued Wh
CASES = [
    (5000, "250", "15", 100, 4325, 652, 23, 17300),  # 50.00: 43.4783 net / 2.50 = 17.391 kWh
    (10000, "250", "0", 100, 10000, None, None, 40000),
    (11500, "100", "15", 100, 10000, 1500, None, 100000),  # divides evenly
    (1, "250", "15", 1, 1, 0, None, 3),  # 0.01: less than half a cent of tax
    (100, "249.99", "14.5", 10, 85, 13, 2, 340),
    (333, "0.000001", "0", 100, 333, None, None, 333000000000),
    (28, "250", "15", 100, 0, 4, 24, 0),  # 0.0974 kWh: less than a step
    (29, "250", "15", 100, 25, 4, None, 100),  # 0.1009 kWh
]


def tariff(price_minor, tax_percent, step):
    return FlatTariff(Decimal(price_minor), Decimal(tax_percent), "VAT", step)


@pytest.mark.parametrize("case", CASES)
def test_worked_case(case):
    tender, rate, tax_percent, step, energy, tax, rounding, issued_wh = case
    done = price(tender, tariff(rate, tax_percent, step))
    assert [line.amount_minor for line in done.lines] == [
        amount for amount in (energy, tax, rounding) if amount is not None
    ]
    assert done.issued_wh == issued_wh
    assert done.lines[0].energy_wh == issued_wh


tenders = st.integers(1, 10**9)
tariffs = st.builds(
    FlatTariff,
    price_minor_per_kwh=st.decimals("0.01", 100000, places=4),
    tax_percent=st.decimals(0, 100, places=4),
    tax_name=st.just("VAT"),
    energy_step_wh=st.sampled_from([1, 10, 100, 1000]),
)


@given(tenders, tariffs)
def test_lines_add_up_and_energy_follows_the_exact_price(tender, tariff):
    done = price(tender, tariff)
    assert sum(line.amount_minor for line in done.lines) == tender
    assert all(line.amount_minor >= 0 for line in done.lines)
    cost = done.exact_wh / 1000 * Fraction(tariff.price_minor_per_kwh)
    assert cost * (1 + Fraction(tariff.tax_percent) / 100) == tender
    assert done.sold_wh <= done.exact_wh < done.sold_wh + 1
    assert done.issued_wh % tariff.energy_step_wh == 0
    assert 0 <= done.exact_wh - done.issued_wh < tariff.energy_step_wh
    price_minor = done.issued_wh * Fraction(tariff.price_minor_per_kwh) / 1000
    assert abs(done.total_minor("energy") - price_minor) <= 1  # a customer can check it


@given(tenders, st.integers(0, 10**6), tariffs)
def test_more_money_never_buys_less(tender, more, tariff):
    assert price(tender + more, tariff).issued_wh >= price(tender, tariff).issued_wh


@given(tenders, tenders, tariffs)
def test_splitting_a_purchase_gains_nothing(first, second, tariff):
    apart = price(first, tariff).issued_wh + price(second, tariff).issued_wh
    together = price(first + second, tariff).issued_wh
    assert apart <= together < apart + 2 * tariff.energy_step_wh
