"""Form fields that several capabilities share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django import forms
from django.conf import settings

from headend.config import iso4217
from headend.design import figures

HIGHEST_AMOUNT_MINOR = 10**11  # a slip of the finger, not a price
_TOO_MUCH = "That is more than can be sold at once. Look again."

EARLIEST_DAY, LATEST_DAY = date(1990, 1, 1), date(2199, 12, 31)  # beyond them: a slip as well


class DayField(forms.DateField):
    """A day, chosen from a calendar or typed as 2026-11-21, of the time that there is prepayment.

    A day at the very end of the calendar has no day after it and no midnight in other time zones.
    """

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def clean(self, value: Any) -> date | None:
        """Return the day, or None if it may be left empty and is."""
        day = super().clean(value)
        if day is not None:
            require_our_time(day)
        return day


class MomentField(forms.DateTimeField):
    """A day and time of day, of the time that there is prepayment."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def clean(self, value: Any) -> datetime | None:
        """Return the instant, or None if it may be left empty and is."""
        moment = super().clean(value)
        if moment is not None:
            require_our_time(moment.date())
        return moment


def require_our_time(day: date) -> None:
    """Refuse a day that is a slip of the finger.

    Raises:
        ValidationError: it lies before EARLIEST_DAY or after LATEST_DAY.
    """
    if not EARLIEST_DAY <= day <= LATEST_DAY:
        raise forms.ValidationError(f"Choose a day between {EARLIEST_DAY:%Y} and {LATEST_DAY:%Y}.")


class MoneyField(forms.CharField):
    """An amount of money as people write it: ``50``, ``50.00``, ``1 234,50`` or ``R 50``.

    Cleans to the currency's minor unit (integer), or to None if it may be left empty and is. More
    decimals than the currency has are refused, not rounded, and so is the sign of another one.

    Args:
        currency: ISO 4217 code of what is typed; empty for the base currency.
    """

    SHAPE = re.compile(r"([0-9]{1,12})(?:[.,]([0-9]+))?", re.ASCII)

    def __init__(self, *args: Any, currency: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency

    def clean(self, value: str | None) -> int | None:
        """Return the amount in the minor unit, > 0."""
        text = re.sub(r"[\s\u202f]", "", super().clean(value))
        if not text and not self.required:
            return None
        currency = self.currency or settings.BASE_CURRENCY
        text = self._without_sign(text, currency)
        digits = iso4217.decimals(currency)
        shape = self.SHAPE.fullmatch(text)
        if shape is None and text.isascii() and text.isdigit():
            raise forms.ValidationError(_TOO_MUCH)
        if shape is None:
            raise forms.ValidationError("Write the amount in digits, such as 50 or 50.00.")
        decimals = shape[2] or ""
        if len(decimals) > digits:
            most = f"At most {digits}" if digits else "No"
            raise forms.ValidationError(f"{most} decimals: there are no smaller coins.")
        amount_minor = int(shape[1] + decimals.ljust(digits, "0"))
        if not amount_minor:
            raise forms.ValidationError("The amount must be more than zero.")
        if amount_minor > HIGHEST_AMOUNT_MINOR:
            raise forms.ValidationError(_TOO_MUCH)
        return amount_minor

    @staticmethod
    def _without_sign(text: str, currency: str) -> str:
        """Return what is typed without its currency, which has to be the right one."""
        for sign in (figures.CURRENCY_SIGNS.get(currency, currency), currency):
            if text.startswith(sign):
                return text.removeprefix(sign)
        if re.match(r"[A-Za-z€£$₦₹৳]{1,3}[0-9]", text):
            raise forms.ValidationError(f"Write the amount in digits, in {currency}.")
        return text


def choose_currency(form: forms.Form, others: Iterable[str]) -> None:
    """Let the currency of a form's amount be chosen, if there are others than the base one.

    Args:
        form: with the fields "amount" (a MoneyField) and "currency".
        others: ISO 4217 codes, of which the base one may be one.
    """
    codes = [settings.BASE_CURRENCY, *sorted({*others} - {settings.BASE_CURRENCY})]
    form.fields["currency"].widget = (
        forms.Select(choices=[(code, code) for code in codes])
        if len(codes) > 1
        else forms.HiddenInput()
    )
    amount: Any = form.fields["amount"]
    amount.currency = form["currency"].value() or settings.BASE_CURRENCY
