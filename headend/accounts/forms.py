"""Forms for logging in, for second factors, and for deciding on a request."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils import timezone

from headend.accounts import throttle
from headend.accounts.errors import TooManyAttempts


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

    def clean(self) -> dict[str, Any]:
        """Look at the password only if there were not too many tries."""
        username = self.cleaned_data.get("username")
        if username and self.cleaned_data.get("password") and self.request is not None:
            try:
                throttle.note_attempt(
                    username=username,
                    address=throttle.address_of(self.request),
                    at=timezone.now(),
                )
            except TooManyAttempts as error:
                raise forms.ValidationError(error.sentence, code=error.code) from None
        return super().clean()


class NewPasswordForm(forms.Form):
    """An own password, typed twice."""

    password = forms.CharField(
        label="Your new password",
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "autofocus": True}),
        help_text="At least ten characters, and none of the common ones.",
    )
    again = forms.CharField(
        label="The same again",
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""

    def clean_again(self) -> str:
        """Return what was typed the second time, which is the same.

        Raises:
            ValidationError: it is not.
        """
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("password", again):
            raise forms.ValidationError("The two are not the same. Type them again.")
        return again


class CodeForm(forms.Form):
    """A code of an authenticator app, or a recovery code."""

    code = forms.CharField(
        label="Code",
        max_length=40,
        help_text="Six digits from your authenticator app, or one of your recovery codes.",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""


class NewAuthenticatorForm(CodeForm):
    """The first code of an authenticator app, and what to call the app."""

    name = forms.CharField(label="Name", max_length=60, initial="Phone")
    field_order = ("name", "code")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = "Six digits that the app shows now."


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
