"""Forms to create a webhook and to replay events."""

from __future__ import annotations

from typing import Any

from django import forms

from headend.accounts.programs import programs
from headend.design.fields import MomentField
from headend.webhooks.kinds import KINDS


class WebhookForm(forms.Form):
    """Name, address and kinds of events."""

    name = forms.CharField(label="What it is for", max_length=100)
    url = forms.CharField(
        label="Address",
        max_length=500,
        help_text="https://… to which each event is sent. Redirects are not followed.",
    )
    kinds = forms.MultipleChoiceField(
        label="Events",
        choices=[(name, kind.purpose) for name, kind in KINDS.items()],
        widget=forms.CheckboxSelectMultiple,
    )


class NewWebhookForm(WebhookForm):
    """A new webhook, and whose."""

    program = forms.SlugField(
        label="Program",
        max_length=41,
        help_text="Short name of the program that is told, as for its API keys. It is told what "
        "it may see; a program of a vendor only what is that vendor's.",
    )
    field_order = ("program", "name", "url", "kinds")

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.known = [one.username.removeprefix("api-") for one in programs()]
        self.fields["program"].widget.attrs |= {"list": "programs", "autocomplete": "off"}


class SinceForm(forms.Form):
    """From when on events are sent again."""

    since = MomentField(label="Everything that happened since")
