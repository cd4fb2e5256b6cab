"""Forms of the pages of free electricity."""

from __future__ import annotations

import re
from datetime import date

from django import forms

from headend.design import figures
from headend.design.fields import require_our_time
from headend.vending.models import FreeProgramme


class MonthField(forms.CharField):
    """A month as browsers send it: ``2026-12``; cleans to its first day."""

    widget = forms.TextInput(attrs={"type": "month", "placeholder": "2026-12"})

    def clean(self, value: str | None) -> date:
        """Return the month's first day."""
        text = super().clean(value)
        shape = re.fullmatch(r"([0-9]{4})-([0-9]{2})", text, re.ASCII)
        try:
            day = date(int(shape[1]), int(shape[2]), 1) if shape else date(0, 0, 0)
        except ValueError:
            raise forms.ValidationError("Write the month as 2026-12.") from None
        require_our_time(day)
        return day


class EnergyField(forms.CharField):
    """An energy in kWh; cleans to Wh."""

    def clean(self, value: str | None) -> int:
        """Return the energy in Wh."""
        try:
            return figures.read_kwh(super().clean(value))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class AmountForm(forms.Form):
    """What a programme gives from a month on."""

    code = forms.SlugField(
        label="Programme", max_length=30, help_text="A short code; a new one begins a programme."
    )
    title = forms.CharField(
        label="Title",
        max_length=60,
        help_text="As receipts call its tokens; the month follows by itself.",
    )
    energy = EnergyField(label="kWh a month", help_text="0 ends the programme.")
    from_month = MonthField(label="From")
    reason = forms.CharField(
        label="Reason", max_length=300, help_text="The person who approves reads it."
    )


class EnrolForm(forms.Form):
    """Which programme, from when."""

    programme = forms.ModelChoiceField(FreeProgramme.objects.order_by("title"), empty_label=None)
    from_month = MonthField(label="From")


class EndForm(forms.Form):
    """When an enrolment ends, and why."""

    until_month = MonthField(label="First month without")
    reason = forms.CharField(label="Reason", max_length=300)
