"""Forms to create and revoke API keys."""

from __future__ import annotations

from typing import Any

from django import forms

from headend.api.scopes import SCOPES
from headend.design.fields import MoneyField
from headend.vendors.models import Till


class KeyForm(forms.Form):
    """A new key."""

    program = forms.SlugField(
        label="Program",
        max_length=41,
        help_text="Short name of the program that will use it: lower case letters, digits and "
        "hyphens. Keys of one program share their message ids.",
    )
    name = forms.CharField(label="What it is for", max_length=100)
    till = forms.ModelChoiceField(
        label="Sells for",
        queryset=Till.objects.none(),
        required=False,
        empty_label="the utility",
        help_text="A till of a vendor at which no shift is needed: the program then sells on that "
        "vendor's wallet and sees that vendor's affairs only.",
    )
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

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        tills = Till.objects.filter(vendor__isnull=False, needs_shift=False, is_active=True)
        field: Any = self.fields["till"]
        field.queryset = tills.select_related("vendor").order_by("vendor__name", "name")
        field.label_from_instance = lambda till: f"{till.vendor}: {till}"


class RevokeForm(forms.Form):
    """Why a key ends."""

    reason = forms.CharField(label="Why", max_length=500)
