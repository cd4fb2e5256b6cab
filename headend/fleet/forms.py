"""Forms for giving a meter an order."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator

from headend.design.figures import read_kwh
from shared.wire.commands import LONGEST_TEXT, MOST_ADJUSTED_WH


class ReasonForm(forms.Form):
    """Why a command is given, kept in the audit record."""

    reason = forms.CharField(
        label="Reason",
        max_length=200,
        help_text="Kept with the command and in the audit record.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Write why; whoever looks at this meter later must know."},
    )

    def __init__(self, *args: Any, required: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.fields["reason"].required = required
        if not required:
            self.fields["reason"].label = "Reason (optional)"


class EnergyField(forms.CharField):
    """Energy in kWh as people write it: `8`, `7.5` or `7,5`; cleans to Wh, more than nothing."""

    def clean(self, value: str | None) -> int:
        """Return Wh."""
        try:
            energy_wh = read_kwh(super().clean(value))
        except ValueError as error:
            raise forms.ValidationError(f"{str(error).capitalize()}.") from None
        if not 0 < energy_wh <= MOST_ADJUSTED_WH:
            raise forms.ValidationError("Write more than 0 and at most 1 000 000 kWh.")
        return energy_wh


class AdjustmentForm(ReasonForm):
    """By how much credit is adjusted; cleans to `amount_wh`, below zero to take away."""

    direction = forms.ChoiceField(
        label="The credit is to become", choices=[("add", "higher"), ("take", "lower")]
    )
    energy_wh = EnergyField(
        label="By how much, in kWh",
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "decimal"}),
    )
    field_order = ["direction", "energy_wh", "reason"]

    def clean(self) -> dict[str, Any]:
        """Put direction and energy together."""
        asked = self.cleaned_data
        if "energy_wh" in asked and "direction" in asked:
            sign = 1 if asked["direction"] == "add" else -1
            asked["amount_wh"] = sign * asked["energy_wh"]
        return asked


class RowField(forms.CharField):
    """One row of a meter's display, in the characters that every display has."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            max_length=LONGEST_TEXT // 2,
            validators=[
                RegexValidator(
                    r"^[ -}]*\Z", "The display has plain letters, digits and signs only."
                )
            ],
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
            **kwargs,
        )


class MessageForm(ReasonForm):
    """Two rows of text for the display, and for how long."""

    first = RowField(label="First line", help_text="16 characters.")
    second = RowField(label="Second line", help_text="16 characters.")
    days = forms.IntegerField(
        label="Shown for so many days", min_value=1, max_value=366, initial=7
    )
    field_order = ["first", "second", "days", "reason"]
