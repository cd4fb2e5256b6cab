"""The flat tariff: worked cases, and that it never makes or loses money."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headend.tariffs.pricing import price
from headend.tariffs.rules import flat

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
    return flat(
        price_minor_per_kwh=Decimal(price_minor),
        tax_percent=Decimal(tax_percent),
        energy_step_wh=step,
    )


@pytest.mark.parametrize("case", CASES)
def test_worked_case(case):
    tender, rate, tax_percent, step, energy, tax, rounding, issued_wh = case
    done = price(tender_minor=tender, tariff=tariff(rate, tax_percent, step))
    assert [line.amount_minor for line in done.lines] == [
        amount for amount in (energy, tax, rounding) if amount is not None
    ]
    assert done.issued_wh == issued_wh
    assert done.lines[0].energy_wh == issued_wh


tenders = st.integers(1, 10**9)
rates = st.decimals("0.01", 100000, places=4)
taxes = st.decimals(0, 100, places=4)
steps = st.sampled_from([1, 10, 100, 1000])


@given(tenders, rates, taxes, steps)
def test_lines_add_up_and_energy_follows_the_exact_price(tender, rate, tax, step):
    done = price(tender_minor=tender, tariff=tariff(rate, tax, step))
    assert sum(line.amount_minor for line in done.lines) == tender
    assert all(line.amount_minor >= 0 for line in done.lines if line.kind != "rounding")
    cost = done.exact_wh / 1000 * Fraction(rate)
    assert cost * (1 + Fraction(tax) / 100) == tender
    assert done.sold_wh <= done.exact_wh < done.sold_wh + 1
    assert done.issued_wh % step == 0
    assert 0 <= done.exact_wh - done.issued_wh < step
    price_minor = done.issued_wh * Fraction(rate) / 1000
    assert abs(done.total_minor("energy") - price_minor) <= 1  # a customer can check it
    assert done.total_minor("rounding") >= -1


@given(tenders, st.integers(0, 10**6), rates, taxes, steps)
def test_more_money_never_buys_less(tender, more, rate, tax, step):
    flat_tariff = tariff(rate, tax, step)
    less = price(tender_minor=tender, tariff=flat_tariff).issued_wh
    assert price(tender_minor=tender + more, tariff=flat_tariff).issued_wh >= less


@given(tenders, tenders, rates, taxes, steps)
def test_splitting_a_purchase_gains_nothing(first, second, rate, tax, step):
    flat_tariff = tariff(rate, tax, step)
    apart = sum(price(tender_minor=t, tariff=flat_tariff).issued_wh for t in (first, second))
    together = price(tender_minor=first + second, tariff=flat_tariff).issued_wh
    assert apart <= together < apart + 2 * step
