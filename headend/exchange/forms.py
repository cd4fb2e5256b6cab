"""Forms of the pages of sheets."""

from __future__ import annotations

import io
from typing import Any

from django import forms

from headend.design.fields import DayField


class SheetForm(forms.Form):
    """A sheet, as a file or pasted."""

    file = forms.FileField(
        label="CSV or XLSX file",
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.xlsx,text/csv"}),
    )
    text = forms.CharField(
        label="or paste rows here, with the heading",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    def clean(self) -> dict[str, Any]:
        """Make a file of what was pasted, if no file was chosen."""
        cleaned = self.cleaned_data
        if not cleaned.get("file"):
            pasted = cleaned.get("text", "").strip()
            if not pasted:
                self.add_error("file", "Choose a file, or paste the sheet below.")
            cleaned["file"] = io.BytesIO(pasted.encode())
            cleaned["file"].name = "pasted"
        return cleaned


class PeriodForm(forms.Form):
    """Which days an export is about."""

    since = DayField(required=False)
    until = DayField(required=False)
