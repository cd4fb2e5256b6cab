"""Forms of the pages of currencies."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings

from headend.config import iso4217
from headend.currencies.errors import InvalidRate
from headend.currencies.services import LONGEST_HOLD_HOURS, read_figure
from headend.design.fields import MomentField

_FIGURE = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})


class _PlainForm(forms.Form):
    """Labels without a colon."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": ""} | kwargs)


class TermsForm(_PlainForm):
    """Whether a currency is taken, and how long a rate of it may be used."""

    is_accepted = forms.BooleanField(label="Customers may pay in it", required=False, initial=True)
    rate_holds_hours = forms.IntegerField(
        label="A rate is used for at most, hours",
        required=False,
        min_value=1,
        max_value=LONGEST_HOLD_HOURS,
        help_text="After that nothing is sold for it until there is a new rate. Empty: until the "
        "next one begins.",
    )


class AddForm(TermsForm):
    """A currency that will be taken."""

    code = forms.ChoiceField(
        label="Currency", help_text="As ISO 4217 calls it: USD are the dollars of the USA."
    )
    field_order = ("code", "is_accepted", "rate_holds_hours")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        codes = sorted(iso4217.DECIMALS.keys() - {settings.BASE_CURRENCY})
        choices: Any = self.fields["code"]
        choices.choices = [("", "choose"), *((code, code) for code in codes)]


class FigureField(forms.CharField):
    """A figure of a rate, exactly as it is written."""

    def clean(self, value: Any) -> Decimal:
        """Return the figure.

        Raises:
            ValidationError: it is none.
        """
        try:
            return read_figure(super().clean(value))
        except InvalidRate as error:
            raise forms.ValidationError(error.sentence) from None


class RateForm(_PlainForm):
    """A rate: so many of the currency are worth so many of the base currency.

    Args:
        code: of the currency.
    """

    units = FigureField(max_length=30, initial="1", widget=_FIGURE)
    base_units = FigureField(max_length=30, widget=_FIGURE)
    valid_from = MomentField(
        label="It holds from",
        required=False,
        help_text="In the utility's time. Empty: from the moment it is approved.",
    )
    reason = forms.CharField(
        label="Where it is from",
        max_length=300,
        help_text="The person who approves reads it; it stays in the audit record.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, code: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["units"].label = f"So many {code}"
        self.fields["base_units"].label = f"are worth so many {settings.BASE_CURRENCY}"
        self.fields["base_units"].help_text = (
            f"Write it as it is quoted: 1 {code} = 18.25 {settings.BASE_CURRENCY}, or "
            f"26.8 {code} = 1 {settings.BASE_CURRENCY}."
        )
