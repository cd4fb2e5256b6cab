"""What money in another currency is worth: exact, cut to a whole minor unit, never more."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headend.config import iso4217
from headend.currencies.conversion import convert, least_worth
from headend.currencies.models import Currency, Rate
from headend.testing import NOON

pytestmark = pytest.mark.any_database

figures = st.decimals("0.00000001", "9999999999", places=8)


def rate(base_units, *, code="USD", units="1"):
    return Rate(
        currency=Currency(code=code),
        units=Decimal(units),
        base_currency="ZAR",
        base_units=Decimal(base_units),
        valid_from=NOON,
    )


@pytest.mark.parametrize(
    ("paid_minor", "held", "worth_minor", "cut"),
    [
        (10_00, rate("18.2537"), 182_53, Fraction(7, 10)),
        (10_00, rate("18.25"), 182_50, 0),
        (1, rate("18.2537"), 18, Fraction(2537, 10000)),
        (1, rate("0.5"), 0, Fraction(1, 2)),
        (26_80, rate("1", units="26.8", code="ZWG"), 1_00, 0),
        (1_00, rate("1", units="3", code="ZWG"), 33, Fraction(1, 3)),  # no decimal is exact
        (1500, rate("1", units="8.2", code="JPY"), 182_92, Fraction(28, 41)),  # no decimals
        (12_345, rate("59.4", code="KWD"), 733_29, Fraction(3, 10)),  # three decimals
    ],
)
def test_the_worth_is_cut_to_a_whole_minor_unit(paid_minor, held, worth_minor, cut):
    found = convert(paid_minor, held, base_digits=2)
    assert (found.worth_minor, found.cut) == (worth_minor, cut)


@given(
    paid_minor=st.integers(0, 10**13),
    units=figures,
    base_units=figures,
    code=st.sampled_from(["USD", "JPY", "KWD"]),
    base_digits=st.sampled_from([0, 2, 3]),
)
def test_nobody_gets_more_than_was_paid_nor_a_minor_unit_less(
    paid_minor, units, base_units, code, base_digits
):
    held = rate(base_units, units=units, code=code)
    found = convert(paid_minor, held, base_digits=base_digits)
    # Back in the currency that was paid, by another way: worth / rate.
    back = Fraction(found.worth_minor + found.cut, 10**base_digits) / held.ratio
    assert back * 10 ** iso4217.decimals(code) == paid_minor
    assert 0 <= found.cut < 1


@given(
    first=st.integers(0, 10**9),
    second=st.integers(0, 10**9),
    base_units=figures,
)
def test_paying_in_two_parts_never_gains(first, second, base_units):
    held = rate(base_units)
    parts = [convert(minor, held, base_digits=2).worth_minor for minor in (first, second)]
    at_once = convert(first + second, held, base_digits=2).worth_minor
    assert at_once - 1 <= sum(parts) <= at_once


def test_a_rate_reads_as_people_say_it():
    assert str(rate("18.25000000")) == "1 USD = 18.25 ZAR"
    assert str(rate("1", units="26.80000000", code="ZWG")) == "26.8 ZWG = 1 ZAR"
    assert str(rate("1500")) == "1 USD = 1500 ZAR"


def test_decimals_are_those_of_iso_4217():
    assert [iso4217.decimals(code) for code in ("USD", "UGX", "KWD", "ZAR")] == [2, 0, 3, 2]
    assert len(iso4217.DECIMALS) == 154


@given(
    worth_minor=st.integers(0, 10**13),
    units=figures,
    base_units=figures,
    code=st.sampled_from(["USD", "JPY", "KWD"]),
    base_digits=st.sampled_from([0, 2, 3]),
)
def test_the_least_that_is_worth_so_much_is_worth_it_and_a_minor_unit_less_is_not(
    worth_minor, units, base_units, code, base_digits
):
    held = rate(base_units, units=units, code=code)
    least = least_worth(worth_minor, held, base_digits=base_digits)
    assert convert(least, held, base_digits=base_digits).worth_minor >= worth_minor
    assert not least or convert(least - 1, held, base_digits=base_digits).worth_minor < worth_minor
