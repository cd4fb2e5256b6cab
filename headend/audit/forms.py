"""What the audit record is filtered by."""

from __future__ import annotations

from typing import Any

from django import forms

from headend.audit.pages import kinds


class AuditFilter(forms.Form):
    """All fields are optional; a date that can't be read is said to be so."""

    q = forms.CharField(required=False)
    who = forms.CharField(label="Who", required=False)
    kind = forms.ChoiceField(label="Kind of object", required=False)
    first_day = forms.DateField(
        label="From", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    last_day = forms.DateField(
        label="To", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind: Any = self.fields["kind"]
        kind.choices = [("", "Any"), *kinds()]
