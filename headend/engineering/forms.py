"""Forms of the pages of engineering tokens, generated from the table of kinds."""

from __future__ import annotations

from typing import Any

from django import forms

from headend.engineering import kinds
from headend.meters.models import Meter

_NO_COMPLETION = {"autocomplete": "off"}
_BASE_DATES = (1993, 2014, 2035)


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label="Reason",
        max_length=200,
        widget=forms.TextInput(attrs=_NO_COMPLETION),
        help_text="It stays in the audit record.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""


class TokenForm(ReasonForm):
    """The fields of one kind of token, and why."""

    def __init__(self, *args: Any, kind: kinds.Kind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in kind.fields:
            self.fields[field.name] = _field(field)
        self.order_fields([field.name for field in kind.fields])

    def values(self, kind: kinds.Kind) -> dict[str, Any]:
        """Return what was typed, by field, as the kind reads it."""
        return {field.name: self.cleaned_data[field.name] for field in kind.fields}


def _field(field: kinds.Field) -> forms.Field:
    label = f"{field.label}, {field.unit}" if field.unit else field.label
    if field.choices is None:
        return forms.IntegerField(
            label=label,
            min_value=field.minimum,
            max_value=field.maximum,
            help_text=field.help or f"{field.minimum} to {field.maximum}",
        )
    choices = [(str(value), told) for value, told in field.choices.items()]
    if field.is_many:
        return forms.MultipleChoiceField(
            label=label,
            choices=choices,
            initial=[str(one) for one in field.default],
            widget=forms.CheckboxSelectMultiple,
            help_text=field.help,
        )
    return forms.ChoiceField(
        label=label, choices=choices, initial=str(field.default), help_text=field.help
    )


class KeyChangeForm(ReasonForm):
    """A meter's new key attributes, filled in with the present ones."""

    sgc = forms.RegexField(
        r"^[0-9]{6}$", label="Supply group code", error_messages={"invalid": "Six digits."}
    )
    krn = forms.IntegerField(label="Key revision number", min_value=1, max_value=9)
    ti = forms.IntegerField(label="Tariff index", min_value=0, max_value=99)
    base_date = forms.TypedChoiceField(
        label="Base date",
        coerce=int,
        choices=[(year, str(year)) for year in _BASE_DATES],
        help_text="A later one clears the meter's memory of tokens (roll-over).",
    )
    kt = forms.TypedChoiceField(
        label="Key type",
        coerce=int,
        choices=[(1, "1, default"), (2, "2, unique"), (3, "3, common: magnetic cards only")],
    )
    token_count = forms.TypedChoiceField(
        label="Tokens", coerce=int, empty_value=None, required=False,
        help_text="Of EA07, only the set of three tells the meter its supply group.",
    )  # fmt: skip
    field_order = ["krn", "base_date", "sgc", "ti", "kt", "token_count", "reason"]

    def __init__(self, *args: Any, meter: Meter, **kwargs: Any) -> None:
        initial = {name: getattr(meter, name) for name in ("sgc", "krn", "ti", "base_date", "kt")}
        super().__init__(*args, initial=initial, **kwargs)
        counts = [("", "as fits the meter")]
        if meter.ea == 7:
            counts += [("2", "two"), ("3", "three, with the supply group")]
        self.fields["token_count"].choices = counts  # type: ignore[attr-defined]

    def changes(self) -> dict[str, Any]:
        """Return what is to be otherwise than at present."""
        return {
            name: self.cleaned_data[name]
            for name in ("sgc", "krn", "ti", "base_date", "kt")
            if self.cleaned_data[name] != self.initial[name]
        }
