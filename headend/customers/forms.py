"""What is asked about a supply agreement."""

from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.text import capfirst

from headend.customers.models import SupplyAgreement
from headend.design import figures


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


def low_credit_form(agreement: SupplyAgreement, typed: QueryDict | None = None) -> LowCreditForm:
    """Return the form for one of the agreements on a page, filled with what was typed or holds."""
    return LowCreditForm(
        typed,
        auto_id=f"id_{agreement.pk}_%s",
        initial={"threshold": figures.kwh(agreement.low_credit_threshold_wh)},
        label_suffix="",
    )
