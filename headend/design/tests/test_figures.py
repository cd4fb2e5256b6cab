"""Figures are shown exactly: no float ever rounds money or energy."""

from datetime import UTC, datetime, timedelta

import pytest

from headend.design import figures

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("energy_wh", "text"),
    [
        (0, "0.0"),
        (49, "0.0"),
        (50, "0.1"),
        (50_000, "50.0"),
        (50_049, "50.0"),
        (1_234_560, "1\u202f234.6"),
        (-20, "0.0"),
        (-1_250, "−1.3"),
    ],
)
def test_kwh_has_one_decimal(energy_wh, text):
    assert figures.kwh(energy_wh) == text


@pytest.mark.parametrize(
    ("energy_wh", "text"),
    [
        (0, "0.0"),
        (50_000, "50.0"),
        (5_380, "5.38"),
        (5_005, "5.005"),
        (420, "0.42"),
        (1_234_560, "1\u202f234.56"),
        (-1_250, "−1.25"),
    ],
)
def test_energy_as_a_tariff_issues_it_has_the_decimals_it_needs(energy_wh, text):
    assert figures.exact_kwh(energy_wh) == text


def test_kwh_of_a_register_too_big_for_a_float_is_exact():
    assert figures.kwh(9_007_199_254_740_993_100).replace("\u202f", "") == "9007199254740993.1"


@pytest.mark.parametrize(
    ("amount_minor", "currency", "digits", "text"),
    [
        (5_000, "ZAR", 2, "R\u00a050.00"),
        (5, "ZAR", 2, "R\u00a00.05"),
        (-5, "ZAR", 2, "−R\u00a00.05"),
        (123_456_789, "XOF", 0, "XOF\u00a0123\u202f456\u202f789"),
        (1_234_567, "KWD", 3, "KWD\u00a01\u202f234.567"),
    ],
)
def test_money_has_the_decimals_of_its_currency(amount_minor, currency, digits, text):
    assert figures.money(amount_minor, currency=currency, digits=digits) == text


def test_a_token_reads_in_five_groups_of_four():
    assert figures.token_groups("12345678901234567890") == ["1234", "5678", "9012", "3456", "7890"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (40, "40 s ago"),
        (200, "3 min ago"),
        (2 * 3600, "2 h ago"),
        (47 * 3600, "47 h ago"),
        (3 * 86400, "3 days ago"),
        (-120, "in 2 min"),
    ],
)
def test_an_age_is_in_words(seconds, text):
    assert figures.age(NOW - timedelta(seconds=seconds), NOW) == text


@pytest.mark.parametrize(
    ("text", "energy_wh"),
    [("0", 0), ("8", 8_000), ("7.5", 7_500), ("7,5", 7_500), (" 1 234.5 kWh", 1_234_500)],
)
def test_energy_is_read_as_people_write_it(text, energy_wh):
    assert figures.read_kwh(text) == energy_wh


@pytest.mark.parametrize(
    ("text", "energy_wh"),
    [("36.97", 36_970), ("37.00", 37_000), ("1 234.5", 1_234_500), ("8", 8_000)],
)
def test_a_register_is_read_with_the_decimals_of_the_meters_display(text, energy_wh):
    assert figures.read_kwh(text, decimals=3) == energy_wh


@pytest.mark.parametrize("text", ["", "-1", "1.25", "1e3", ".5", "٥", "five", "1" * 13, "NaN"])
def test_no_energy_is_guessed(text):
    with pytest.raises(ValueError, match="write kWh as 8 or"):
        figures.read_kwh(text)
