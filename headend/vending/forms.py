"""The filter of the list of sales, and what is asked before an act on one or about a token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from headend.design.fields import DayField
from headend.vending.models import Reallocation
from headend.vending.pages import DELIVERIES

TOKEN_DIGITS = 20


class SalesFilter(forms.Form):
    """All fields are optional; a date that can't be read is said to be so."""

    q = forms.CharField(required=False)
    first_day = DayField(label="From", required=False)
    last_day = DayField(label="To", required=False)
    delivery = forms.ChoiceField(
        label="Delivery",
        required=False,
        choices=[("", "Any"), *((name, title) for name, (title, _) in DELIVERIES.items())],
    )
    mine = forms.BooleanField(label="Only mine", required=False)


class VerifyForm(forms.Form):
    """Twenty digits that somebody brings, and the meter that they are said to be for."""

    meter = forms.CharField(
        label="Meter",
        max_length=30,
        help_text="The number on its label.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    token = forms.CharField(
        label="Token",
        max_length=60,
        help_text="20 digits; spaces don't matter.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def clean_token(self) -> str:
        """Return the token's digits alone."""
        digits = "".join(self.cleaned_data["token"].replace("-", "").split())
        if not (digits.isascii() and digits.isdigit() and len(digits) == TOKEN_DIGITS):
            raise forms.ValidationError(f"A token has {TOKEN_DIGITS} digits.")
        return digits


class ReverseForm(forms.Form):
    """Why a sale is taken back; the message id makes it happen once."""

    reason = forms.CharField(
        label="Why", max_length=200, help_text="Kept on the record with your name."
    )
    message_id = forms.UUIDField(widget=forms.HiddenInput)


class MoveForm(forms.Form):
    """To which meter a sale's value goes, and who carries what was given away."""

    meter = forms.CharField(
        label="The right meter",
        max_length=18,
        help_text="The number on its label.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    bearer = forms.ChoiceField(label="Who carries it")  # whom it offers depends on the sale
    reason = forms.CharField(
        label="Why", max_length=200, help_text="Whoever approves reads this; it is kept."
    )

    def __init__(self, *args: Any, bearers: Sequence[Reallocation.Bearer], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = self.fields["bearer"]
        assert isinstance(offered, forms.ChoiceField)
        offered.choices = [(bearer.value, bearer.label) for bearer in bearers]
