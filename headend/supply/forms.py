"""Forms of the pages of supplies."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import capfirst

from headend.design import figures
from headend.supply.models import Closing, Refund, Rule, Source
from headend.tariffs.models import Tariff

_PLAIN = {"autocomplete": "off"}
_DECIMAL = _PLAIN | {"inputmode": "decimal"}


class RegisterField(forms.CharField):
    """A register in kWh as a meter shows it, with three decimals at most; cleans to Wh."""

    def __init__(self, *, signed: bool = False, **kwargs: Any) -> None:
        super().__init__(max_length=20, widget=forms.TextInput(attrs=_DECIMAL), **kwargs)
        self._signed = signed

    def clean(self, value: str | None) -> int | None:
        """Return Wh, None if it may be left empty and is."""
        text = re.sub(r"\s", "", super().clean(value)).replace("−", "-")
        if not text and not self.required:
            return None
        sign = -1 if self._signed and text.startswith("-") else 1
        try:
            return sign * figures.read_kwh(text[1:] if sign < 0 else text, decimals=3)
        except ValueError as error:
            raise forms.ValidationError(f"{capfirst(str(error))}.") from None


class _Form(forms.Form):
    """Labels without a colon."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""


class RegistersForm(_Form):
    """What a meter shows."""

    energy_wh = RegisterField(label="Total energy, kWh")
    credit_wh = RegisterField(
        label="Credit left, kWh",
        signed=True,
        help_text="With a minus if energy was used on credit.",
    )


class StartForm(_Form):
    """Giving notice of a closing."""

    ask_meter = forms.ChoiceField(
        label="Closing registers",
        choices=[
            ("yes", "Ask the meter: it tells them and clears its credit"),
            ("no", "Somebody reads them at the meter"),
        ],
    )
    reason = forms.CharField(
        label="Reason",
        max_length=200,
        widget=forms.TextInput(attrs=_PLAIN),
        help_text="Stays with the closing and in the audit record.",
    )


class ClearedForm(_Form):
    """How the meter's credit was cleared."""

    how = forms.ChoiceField(
        label="The credit was cleared",
        choices=[
            (Closing.Cleared.TOKEN, "with an engineering token, and the meter shows 0"),
            (Closing.Cleared.PERSON, "otherwise, as written below"),
        ],
    )
    note = forms.CharField(
        label="How do you know?", max_length=200, widget=forms.TextInput(attrs=_PLAIN)
    )


class RefundForm(_Form):
    """How a refund is paid."""

    method = forms.ChoiceField(label="Paid", choices=Refund.Method.choices)
    reference = forms.CharField(
        label="Reference of the transfer",
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs=_PLAIN),
    )


class RuleForm(_Form):
    """How supplies are settled from now on."""

    valuation = forms.ChoiceField(
        label="A kWh left on a meter is worth", choices=Rule.Valuation.choices
    )
    price = forms.DecimalField(
        label="Fixed price per kWh, taxes included",
        required=False,
        min_value=0,
        max_digits=10,
        decimal_places=4,
        widget=forms.TextInput(attrs=_DECIMAL),
        help_text="Only with a fixed price.",
    )
    premises_debts_settled = forms.BooleanField(
        label="Debts of the premises are paid off from the credit too", required=False
    )
    refund_limit = forms.DecimalField(
        label="Refunds above this need a second person",
        min_value=0,
        max_digits=12,
        decimal_places=2,
        initial=Decimal(0),
        widget=forms.TextInput(attrs=_DECIMAL),
        help_text="0: every refund does.",
    )
    mode_credit = forms.ChoiceField(
        label="Credit of a meter that goes over to post-payment", choices=Rule.ModeCredit.choices
    )

    def asked(self) -> dict[str, Any]:
        """Return the rule of a valid form, as `rules.set_rule` takes it."""
        scale = 10**settings.BASE_CURRENCY_MINOR_DIGITS
        asked = self.cleaned_data
        price = asked["price"]
        return {
            "valuation": asked["valuation"],
            "price_minor_per_kwh": None if price is None else price * scale,
            "premises_debts_settled": asked["premises_debts_settled"],
            "refund_limit_minor": int(asked["refund_limit"] * scale),
            "mode_credit": asked["mode_credit"],
        }


class MoveInForm(RegistersForm):
    """A customer who moves in."""

    name = forms.CharField(label="Customer", max_length=150, widget=forms.TextInput(attrs=_PLAIN))
    phone = forms.CharField(
        label="Phone", max_length=30, required=False, widget=forms.TextInput(attrs=_PLAIN)
    )
    address = forms.CharField(
        label="Address", max_length=250, widget=forms.TextInput(attrs=_PLAIN)
    )
    tariff = forms.ModelChoiceField(label="Tariff", queryset=Tariff.objects.order_by("name"))
    threshold = RegisterField(label="Tell the customer below, kWh", initial="5.0")
    connection_va = forms.IntegerField(
        label="Size of the connection, VA",
        required=False,
        min_value=1,
        help_text="Some tariffs ask for it.",
    )
    source = forms.ChoiceField(label="The registers were", choices=Source.choices)
    accepts_debts = forms.BooleanField(
        label="The customer was told of the debts of the premises and pays into them",
        required=False,
    )
    buys_credit = forms.BooleanField(
        label="The customer buys the credit that is left", required=False
    )
    field_order = [
        "name", "phone", "address", "tariff", "energy_wh", "credit_wh", "source", "threshold",
        "connection_va",
    ]  # fmt: skip

    def __init__(
        self, *args: Any, known: bool, has_debts: bool, can_buy: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if known:
            del self.fields["name"], self.fields["phone"]
        if not has_debts:
            del self.fields["accepts_debts"]
        if not can_buy:
            del self.fields["buys_credit"]


class MeterNumberForm(_Form):
    """Which meter."""

    number = forms.CharField(
        label="Meter number",
        max_length=24,
        widget=forms.TextInput(attrs=_PLAIN | {"inputmode": "numeric"}),
        help_text="As on its label; one in stock is installed.",
    )


class TakeDownForm(_Form):
    """A meter that is taken down where nobody is served."""

    scrapped = forms.BooleanField(
        label="The meter is scrapped; it never goes back to stock", required=False
    )
    reason = forms.CharField(label="Reason", max_length=200, widget=forms.TextInput(attrs=_PLAIN))


class ReplaceForm(_Form):
    """The exchange of a meter."""

    new_meter = forms.CharField(
        label="Number of the new meter",
        max_length=24,
        widget=forms.TextInput(attrs=_PLAIN | {"inputmode": "numeric"}),
    )
    new_energy_wh = RegisterField(label="Total energy on the new meter, kWh", initial="0")
    new_credit_wh = RegisterField(
        label="Credit on the new meter, kWh",
        initial="0",
        signed=True,
        help_text="It has to show none: what is on it is not the customer's.",
    )
    energy_wh = RegisterField(
        label="Total energy on the old meter, kWh",
        required=False,
        help_text="Leave both registers of the old meter empty if it can't be read now.",
    )
    credit_wh = RegisterField(
        label="Credit left on the old meter, kWh", required=False, signed=True
    )
    scrapped = forms.BooleanField(
        label="The old meter is scrapped; it never goes back to stock", required=False
    )
    reason = forms.CharField(label="Reason", max_length=200, widget=forms.TextInput(attrs=_PLAIN))
