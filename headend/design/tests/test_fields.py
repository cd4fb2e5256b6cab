"""Fields: days that no calendar of ours has are refused, on every page that asks for a period."""

from datetime import date

import pytest
from django import forms

from headend.design.fields import DayField, MomentField
from headend.vending.free_forms import MonthField


@pytest.mark.parametrize("text", ["0001-01-01", "1989-12-31", "2200-01-01", "9999-12-31"])
def test_a_day_beyond_our_time_is_refused(text):
    for field, typed in (
        (DayField(), text), (MomentField(), f"{text}T12:00"), (MonthField(), text[:7]),
    ):  # fmt: skip
        with pytest.raises(forms.ValidationError, match="between 1990 and 2199"):
            field.clean(typed)


def test_a_day_of_our_time_is_one():
    assert DayField().clean("2026-11-21") == date(2026, 11, 21)
    assert DayField(required=False).clean("") is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "page",
    ["/sales/", "/audit/", "/ledger/", "/ledger/accounts/cash.tills/ZAR/", "/debts/report/",
     "/supply/switches/"],
)  # fmt: skip
def test_a_page_of_a_period_is_shown_whatever_days_were_typed(log_in, page):
    client = log_in("utility administrator")
    for day in ("0001-01-01", "9999-12-31"):
        answer = client.get(page, {"first_day": day, "last_day": day})
        assert answer.status_code in (200, 404)
