"""Forms about a supply agreement."""

from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.text import capfirst

from headend.customers import services
from headend.customers.models import SupplyAgreement
from headend.design import figures
from headend.tariffs.models import Tariff


class LowCreditForm(forms.Form):
    """Below which credit the customer is told that it runs low."""

    threshold = forms.CharField(
        label="Tell the customer below, kWh",
        max_length=20,
        help_text="0: the customer is not told. The meter warns at the same credit.",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"required": "Write how many kWh, or 0 for no warning."},
    )

    def clean_threshold(self) -> int:
        """Return the threshold in Wh."""
        try:
            return figures.read_kwh(self.cleaned_data["threshold"])
        except ValueError as error:
            raise forms.ValidationError(f"{capfirst(str(error))}.") from None


class TermsForm(forms.Form):
    """What a running agreement pays by."""

    tariff = forms.ModelChoiceField(
        label="Tariff", queryset=Tariff.objects.order_by("name"), empty_label=None
    )
    connection_va = forms.IntegerField(
        label="Size of the connection, VA",
        min_value=1,
        max_value=services.HIGHEST_CONNECTION_VA,
        required=False,
        help_text="Some tariffs ask for it. Empty: not known.",
    )
    reason = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="It stays in the audit record.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


def low_credit_form(agreement: SupplyAgreement, typed: QueryDict | None = None) -> LowCreditForm:
    """Return the form for one of the agreements on a page, filled with what was typed or holds."""
    return LowCreditForm(
        typed,
        auto_id=f"id_{agreement.pk}_%s",
        initial={"threshold": figures.kwh(agreement.low_credit_threshold_wh)},
        label_suffix="",
    )
