"""Form fields that several capabilities share."""

from __future__ import annotations

import re

from django import forms
from django.conf import settings

HIGHEST_AMOUNT_MINOR = 10**11  # a slip of the finger, not a price


class MoneyField(forms.CharField):
    """An amount of money as people write it: ``50``, ``50.00``, ``1 234,50`` or ``R 50``.

    Cleans to the currency's minor unit (integer), or to None if it may be left empty and is. More
    decimals than the currency has are refused, not rounded.
    """

    SHAPE = re.compile(r"([0-9]{1,12})(?:[.,]([0-9]+))?", re.ASCII)

    def clean(self, value: str | None) -> int | None:
        """Return the amount in the minor unit, > 0."""
        text = re.sub(r"[\s\u202f]", "", super().clean(value))
        if not text and not self.required:
            return None
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
        if amount_minor > HIGHEST_AMOUNT_MINOR:
            raise forms.ValidationError("That is more than can be sold at once. Look again.")
        return amount_minor
