"""Forms of the pages of key campaigns."""

from __future__ import annotations

from typing import Any

from django import forms

from headend.campaigns.selection import Selection
from headend.tariffs.models import Tariff
from shared.sts import identifiers
from shared.sts.errors import StsError

_NO_COMPLETION = {"autocomplete": "off"}
_BASE_DATES = [("", "any"), (1993, "1993"), (2014, "2014"), (2035, "2035")]
_SIX_DIGITS = {"invalid": "Six digits."}


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label="Reason", max_length=200, widget=forms.TextInput(attrs=_NO_COMPLETION)
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""


class CampaignForm(ReasonForm):
    """Which meters, which key, and how it reaches them."""

    name = forms.CharField(
        label="Name", max_length=60, widget=forms.TextInput(attrs=_NO_COMPLETION)
    )
    sgc = forms.RegexField(
        r"^[0-9]{6}$", label="Supply group code", required=False, error_messages=_SIX_DIGITS
    )
    krn = forms.IntegerField(
        label="Key revision now", required=False, min_value=1, max_value=9, help_text="Empty: any."
    )
    base_date = forms.TypedChoiceField(
        label="Base date now", required=False, coerce=int, empty_value=None, choices=_BASE_DATES
    )
    tariff = forms.ChoiceField(label="Tariff", required=False)
    address = forms.CharField(
        label="Address contains", required=False, max_length=100, help_text="A street or a place."
    )
    numbers = forms.CharField(
        label="Or these meters",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Meter numbers, one a line or with spaces between; then nothing above counts.",
    )
    new_krn = forms.IntegerField(
        label="New key revision", required=False, min_value=1, max_value=9,
        help_text="Empty: stays.",
    )  # fmt: skip
    new_base_date = forms.TypedChoiceField(
        label="New base date",
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "stays"), *_BASE_DATES[1:]],
        help_text="A later one clears the meters' memory of tokens (roll-over).",
    )
    new_sgc = forms.RegexField(
        r"^[0-9]{6}$",
        label="New supply group code",
        required=False,
        error_messages=_SIX_DIGITS,
        help_text="Empty: stays.",
    )
    new_ti = forms.IntegerField(
        label="New tariff index", required=False, min_value=0, max_value=99,
        help_text="Empty: stays.",
    )  # fmt: skip
    pre_code = forms.BooleanField(
        label="Make the tokens ahead", required=False, initial=True,
        help_text="Otherwise each meter's are made at its next purchase.",
    )  # fmt: skip
    push = forms.BooleanField(
        label="Send them to meters that are online", required=False, initial=True
    )
    parts = {
        "Which meters": ("sgc", "krn", "base_date", "tariff", "address", "numbers"),
        "Their new key": ("new_krn", "new_base_date", "new_sgc", "new_ti"),
        "How it reaches them": ("pre_code", "push"),
        "For the record": ("name", "reason"),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tariffs = Tariff.objects.order_by("name").values_list("code", "name")
        self.fields["tariff"].choices = [("", "any"), *tariffs]  # type: ignore[attr-defined]

    def clean_numbers(self) -> tuple[str, ...]:
        """Read the list of meter numbers; each must have its right check digit."""
        numbers = tuple(dict.fromkeys(self.cleaned_data["numbers"].replace(",", " ").split()))
        for number in numbers:
            try:
                identifiers.require_drn(number)
            except StsError as error:
                raise forms.ValidationError(f"{number}: {error}") from None
        return numbers

    def clean(self) -> dict[str, Any]:
        """Ask for a group or meters, and for something to change."""
        asked = self.cleaned_data
        if not self.errors and not asked["sgc"] and not asked["numbers"]:
            self.add_error("sgc", "A supply group, or meter numbers below.")
        if not self.errors and not self.changes():
            self.add_error("new_krn", "Say what the new key differs in.")
        return asked

    def changes(self) -> dict[str, Any]:
        """Return what is to change."""
        asked = {name: self.cleaned_data[f"new_{name}"] for name in ("krn", "base_date", "sgc")}
        asked["ti"] = self.cleaned_data["new_ti"]
        return {name: value for name, value in asked.items() if value not in (None, "")}

    def selection(self) -> Selection:
        """Return whom it is for."""
        asked = self.cleaned_data
        if asked["numbers"]:
            return Selection(meters=asked["numbers"])
        return Selection(
            **{name: asked[name] for name in ("sgc", "krn", "base_date", "tariff", "address")}
        )

    @property
    def sections(self) -> list[tuple[str, list[Any]]]:
        """The fields under their headings."""
        return [(title, [self[name] for name in names]) for title, names in self.parts.items()]
