"""What is typed at the till."""

from __future__ import annotations

from django import forms

from headend.design.fields import MoneyField


class AmountForm(forms.Form):
    """How much the customer hands over."""

    amount = MoneyField(
        label="Money received",
        max_length=24,
        widget=forms.TextInput(
            attrs={
                "class": "big",
                "inputmode": "decimal",
                "autocomplete": "off",
                "autofocus": True,
                "placeholder": "0.00",
            }
        ),
        error_messages={"required": "Type how much money the customer hands over."},
    )
    waive_floor = forms.BooleanField(
        label="Debts first: the customer wants them paid even from the share kept for energy",
        required=False,
    )


class VendForm(AmountForm):
    """The confirmation: the amount again, and the message id that makes the sale happen once."""

    message_id = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].widget = forms.HiddenInput()
        self.fields["waive_floor"].widget = forms.CheckboxInput(attrs={"hidden": True})


class DebtPaymentForm(forms.Form):
    """How much of a debt is paid, and the message id that takes it once."""

    amount = MoneyField(
        label="Money received",
        max_length=24,
        widget=forms.TextInput(
            attrs={"class": "big", "inputmode": "decimal", "autocomplete": "off"}
        ),
    )
    message_id = forms.UUIDField(widget=forms.HiddenInput)
