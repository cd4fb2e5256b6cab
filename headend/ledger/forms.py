"""What the ledger's pages are asked for."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django import forms
from django.utils import timezone

_DAY = {"type": "date"}


class PeriodForm(forms.Form):
    """Local days, both optional and both counted in."""

    first_day = forms.DateField(
        label="From", required=False, widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d")
    )
    last_day = forms.DateField(
        label="To", required=False, widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d")
    )

    def period(self) -> tuple[datetime | None, datetime | None]:
        """Return the half-open period that is meant; a day that can't be read bounds nothing."""
        self.is_valid()
        first_day = self.cleaned_data.get("first_day")
        last_day = self.cleaned_data.get("last_day")
        return (
            _midnight(first_day) if first_day else None,
            _midnight(last_day + timedelta(days=1)) if last_day else None,
        )


def _midnight(day: datetime) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
