"""The form that two people fill in to load keys together."""

from __future__ import annotations

from typing import Any

from django import forms

from headend.securitymodule import load_file

_SECRET = forms.PasswordInput(attrs={"autocomplete": "off"})


class RootForm(forms.Form):
    """Whose message root is to be made."""

    sgc = forms.CharField(
        label="Supply group",
        max_length=6,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""


class CeremonyForm(forms.Form):
    """The file, and what each of the two people adds."""

    file = forms.FileField(label="Key-load file")
    first_half = forms.CharField(label="First half of the password", widget=_SECRET, strip=False)
    username = forms.CharField(label="Second person's user name", max_length=150)
    password = forms.CharField(label="Second person's password", widget=_SECRET, strip=False)
    code = forms.CharField(
        label="Second person's code",
        required=False,
        max_length=40,
        help_text="From their authenticator app, if they have one; or they show a passkey below.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    credential = forms.CharField(required=False, max_length=10_000, widget=forms.HiddenInput())
    second_half = forms.CharField(label="Second half of the password", widget=_SECRET, strip=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""

    def clean_file(self) -> str:
        """Return the file's text."""
        file = self.cleaned_data["file"]
        if file.size > load_file.MOST_BYTES:
            raise forms.ValidationError("A key-load file is not that large.")
        try:
            return str(file.read().decode("utf-8"))
        except UnicodeDecodeError:
            raise forms.ValidationError("This is not a key-load file.") from None
