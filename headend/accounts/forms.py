"""The form people log in with."""

from __future__ import annotations

from typing import Any

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
