"""Forms of the till."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings

from headend.currencies.models import Rate
from headend.design.fields import MoneyField
from headend.vending.free_forms import EnergyField


class MessageForm(forms.Form):
    """What makes a page's sale happen once, however often the page comes."""

    message_id = forms.UUIDField(widget=forms.HiddenInput)


class _TenderForm(forms.Form):
    """Money in the base currency, or in another one at its rate.

    Args:
        rates: at which money in other currencies is taken here.
    """

    currency = forms.CharField(label="In", max_length=3, required=False)

    def __init__(self, *args: Any, rates: Sequence[Rate] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        codes = [settings.BASE_CURRENCY, *(rate.currency_id for rate in rates)]
        self.fields["currency"].widget = forms.Select(choices=[(code, code) for code in codes])
        amount: Any = self.fields["amount"]
        amount.currency = self["currency"].value() or settings.BASE_CURRENCY


class AmountForm(_TenderForm):
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


class EnergyForm(forms.Form):
    """How much energy the customer asks for, to be told what it costs."""

    kwh = EnergyField(
        label="Or so many kWh",
        max_length=24,
        widget=forms.TextInput(
            attrs={"inputmode": "decimal", "autocomplete": "off", "size": 8, "form": "by-energy"}
        ),
        error_messages={"required": "Type how many kWh the customer asks for."},
    )


class VendForm(MessageForm, AmountForm):
    """The confirmation: the amount again, and the message id that makes the sale happen once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].widget = forms.HiddenInput()
        self.fields["currency"].widget = forms.HiddenInput()
        self.fields["waive_floor"].widget = forms.CheckboxInput(attrs={"hidden": True})


class DebtPaymentForm(MessageForm, _TenderForm):
    """How much of a debt is paid, and the message id that takes it once."""

    amount = MoneyField(
        label="Money received",
        max_length=24,
        widget=forms.TextInput(
            attrs={"class": "big", "inputmode": "decimal", "autocomplete": "off"}
        ),
    )
