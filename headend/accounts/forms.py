"""The forms of logging in and of deciding on a request."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm


class LogInForm(AuthenticationForm):
    """User name and password; the refusal does not say which of them was wrong."""

    error_messages = {
        "invalid_login": (
            "This user name and password do not belong together. Both tell small from capital "
            "letters; an administrator can set a new password."
        ),
        "inactive": "This account is switched off. Ask an administrator.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.fields["username"].label = "User name"
        self.fields["username"].widget.attrs |= {"autocapitalize": "none", "spellcheck": "false"}


DECISIONS = ("approve", "refuse", "withdraw")


class DecisionForm(forms.Form):
    """What is decided on a request; a refusal says why."""

    decision = forms.ChoiceField(choices=[(word, word) for word in DECISIONS])
    reason = forms.CharField(
        label="Reason",
        max_length=500,
        required=False,
        help_text="Needed to refuse; kept with the request and in the audit record.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""

    def clean(self) -> dict[str, Any]:
        """Check that a refusal has its reason."""
        cleaned = super().clean() or {}
        if cleaned.get("decision") == "refuse" and not cleaned.get("reason"):
            self.add_error("reason", "Write why, so that who asked knows what to change.")
        return cleaned
