"""What a new key is asked for, and why one is revoked."""

from __future__ import annotations

from django import forms

from headend.api.scopes import SCOPES
from headend.design.fields import MoneyField


class KeyForm(forms.Form):
    """A new key."""

    program = forms.SlugField(
        label="Program",
        max_length=41,
        help_text="Short name of the program that will use it: lower case letters, digits and "
        "hyphens. Keys of one program share their message ids.",
    )
    name = forms.CharField(label="What it is for", max_length=100)
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[(name, scope.purpose) for name, scope in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.IntegerField(label="Ends after, days", min_value=1, max_value=731, initial=365)
    largest_tender = MoneyField(label="Largest vend", required=False, help_text="Empty: no limit.")
    daily_tender = MoneyField(
        label="All vends of a day", required=False, help_text="Empty: no limit."
    )
    requests_per_minute = forms.IntegerField(
        label="Requests a minute", min_value=1, required=False, help_text="Empty: no limit."
    )


class RevokeForm(forms.Form):
    """Why a key ends."""

    reason = forms.CharField(label="Why", max_length=500)
