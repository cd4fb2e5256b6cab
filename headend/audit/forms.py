"""The filter of the audit record's page."""

from __future__ import annotations

from typing import Any

from django import forms

from headend.audit.pages import kinds
from headend.design.fields import DayField


class AuditFilter(forms.Form):
    """All fields are optional; a date that can't be read is said to be so."""

    q = forms.CharField(required=False)
    who = forms.CharField(label="Who", required=False)
    kind = forms.ChoiceField(label="Kind of object", required=False)
    first_day = DayField(label="From", required=False)
    last_day = DayField(label="To", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind: Any = self.fields["kind"]
        kind.choices = [("", "Any"), *kinds()]
