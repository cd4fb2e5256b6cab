"""Fields of records as people read them."""

import pytest

from headend.design import records

TOLD = [
    ("needs_second_factor", True, "needs second factor", "yes"),
    ("float_minor", 50_000, "float", "500.00"),
    ("credit_wh", 12_345, "credit", "12.345 kWh"),
    ("credit_wh", -100_000, "credit", "-100 kWh"),
    ("meters", ["1", "2"], "meters", "1, 2"),
    ("values", {"register": 0, "limit_wh": 500}, "values", "register: 0, limit: 0.5 kWh"),
    ("ended_at", None, "ended at", ""),
    ("amount_minor", "unknown", "amount", "unknown"),
]


@pytest.mark.parametrize(("name", "value", "label", "text"), TOLD)
def test_a_field_is_told_with_its_unit(name, value, label, text):
    assert (records.label(name), records.text(name, value)) == (label, text)


def test_what_is_empty_is_left_out():
    assert records.fields({"meter": 2, "source": "", "of": None}) == [("meter", "2")]
