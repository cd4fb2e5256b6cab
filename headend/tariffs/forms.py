"""Forms of the tariff pages, except the components, which `editor` reads."""

from __future__ import annotations

from datetime import datetime, time

from django import forms
from django.utils import timezone

from headend.design.fields import DayField
from headend.tariffs.purchases import Circumstances


class DraftForm(forms.Form):
    """What a draft is a version of, and from when."""

    name = forms.CharField(label="Tariff", max_length=120)
    code = forms.SlugField(
        label="Code",
        max_length=40,
        error_messages={"invalid": "Only letters, digits, - and _."},
        help_text="The code of the tariff that this becomes a version of; a new code makes a "
        "new tariff.",
    )
    first_day = DayField(
        label="First day",
        required=False,
        help_text="It holds from midnight on, until the next version begins.",
    )

    def valid_from(self) -> datetime | None:
        """Return the beginning of the first day in the utility's time zone."""
        day = self.cleaned_data["first_day"]
        return timezone.make_aware(datetime.combine(day, time())) if day else None


class CircumstancesForm(forms.Form):
    """Whose purchases the examples are; what can't be read counts as not typed."""

    bought_kwh = forms.IntegerField(label="Bought before, kWh", min_value=0, max_value=10**6)
    fee_periods = forms.IntegerField(label="Fees due, periods", min_value=0, max_value=120)
    average_kwh = forms.IntegerField(label="Average use, kWh", min_value=0, max_value=10**6)
    connection_va = forms.IntegerField(label="Connection, VA", min_value=0, max_value=10**7)

    def circumstances(self) -> Circumstances:
        """Return what was typed, else the usual."""
        self.is_valid()
        usual = Circumstances()
        typed = getattr(self, "cleaned_data", {})
        return Circumstances(
            **{name: typed.get(name, getattr(usual, name)) for name in self.fields}
        )


class SubmitForm(forms.Form):
    """Why the prices change."""

    reason = forms.CharField(
        label="Why do the prices change?",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="The person who approves reads this.",
    )


class FileForm(forms.Form):
    """A tariff in a file."""

    file = forms.FileField(label="Tariff file (JSON)")
