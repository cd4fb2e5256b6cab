"""What is typed at the till."""

from __future__ import annotations

import re

from django import forms
from django.conf import settings

HIGHEST_TENDER_MINOR = 10**11  # a slip of the finger, not a price


class MoneyField(forms.CharField):
    """An amount of money as people write it: ``50``, ``50.00``, ``1 234,50`` or ``R 50``.

    Cleans to the currency's minor unit (integer). More decimals than the currency has are
    refused, not rounded.
    """

    SHAPE = re.compile(r"([0-9]{1,12})(?:[.,]([0-9]+))?", re.ASCII)

    def clean(self, value: str | None) -> int:
        """Return the amount in the minor unit, > 0."""
        text = re.sub(r"[\s\u202f]", "", super().clean(value))
        text = re.sub(r"^(R|[A-Z]{3}|[€£$₦₹৳])", "", text)
        digits = settings.BASE_CURRENCY_MINOR_DIGITS
        shape = self.SHAPE.fullmatch(text)
        if shape is None:
            raise forms.ValidationError("Write the amount in digits, such as 50 or 50.00.")
        decimals = shape[2] or ""
        if len(decimals) > digits:
            raise forms.ValidationError(f"At most {digits} decimals: the coins end there.")
        amount_minor = int(shape[1] + decimals.ljust(digits, "0"))
        if not amount_minor:
            raise forms.ValidationError("The amount must be more than zero.")
        if amount_minor > HIGHEST_TENDER_MINOR:
            raise forms.ValidationError("That is more than can be sold at once. Look again.")
        return amount_minor


class AmountForm(forms.Form):
    """How much the customer hands over."""

    amount = MoneyField(
        label="Money received",
        max_length=24,
        widget=forms.TextInput(
            attrs={
                "class": "big",
                "inputmode": "decimal",
                "autocomplete": "off",
                "autofocus": True,
                "placeholder": "0.00",
            }
        ),
        error_messages={"required": "Type how much money the customer hands over."},
    )


class VendForm(AmountForm):
    """The confirmation: the amount again, and the message id that makes the sale happen once."""

    message_id = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].widget = forms.HiddenInput()
