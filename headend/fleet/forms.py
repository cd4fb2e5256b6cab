"""What is asked before a command goes out."""

from __future__ import annotations

from django import forms


class ReasonForm(forms.Form):
    """Why a command is given, kept in the audit record."""

    reason = forms.CharField(
        label="Reason",
        max_length=200,
        help_text="Kept with the command and in the audit record.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Write why; whoever looks at this meter later must know."},
    )

    def __init__(self, *args, required: bool, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.fields["reason"].required = required
        if not required:
            self.fields["reason"].label = "Reason (optional)"
