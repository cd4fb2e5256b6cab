"""Forms of the ledger's pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from headend.design.fields import DayField, MoneyField, choose_currency
from headend.ledger import suspense


class PeriodForm(forms.Form):
    """Local days, both optional and both counted in."""

    first_day = DayField(label="From", required=False)
    last_day = DayField(label="To", required=False)

    def period(self) -> tuple[datetime | None, datetime | None]:
        """Return the half-open period that is meant; a day that can't be read bounds nothing."""
        self.is_valid()
        first_day = self.cleaned_data.get("first_day")
        last_day = self.cleaned_data.get("last_day")
        return (
            _midnight(first_day) if first_day else None,
            _midnight(last_day + timedelta(days=1)) if last_day else None,
        )


def _midnight(day: datetime) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


class PaymentForm(forms.Form):
    """A payment as the bank tells it."""

    reference = forms.CharField(
        label="Reference of the payment",
        max_length=suspense.LONGEST_REFERENCE,
        help_text="By which the bank knows it; each is entered once.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    amount = MoneyField(
        label="Amount",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    currency = forms.CharField(
        label="In", max_length=3, required=False, help_text="That of the account which got it."
    )
    paid_on = DayField(label="Day at the bank")
    payer = forms.CharField(label="Payer", max_length=140, required=False)
    text = forms.CharField(label="What the payer wrote", max_length=200, required=False)

    def __init__(self, *args: Any, others: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose_currency(self, others)


class ClearingForm(forms.Form):
    """Where a payment belongs."""

    to = forms.ChoiceField(label="It is")
    names = forms.CharField(
        label="Which",
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    reason = forms.CharField(
        label="How you know",
        max_length=300,
        help_text="The person who approves reads it; it stays in the audit record.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = suspense.destinations()
        choices: Any = self.fields["to"]
        # Nothing is chosen beforehand: money would go there by a click too fast.
        choices.choices = [("", "choose")] + [(name, one.title) for name, one in known.items()]
        asked = dict.fromkeys(one.asks_for for one in known.values() if one.asks_for)
        self.fields["names"].help_text = f"Here goes {', or '.join(asked)}. Empty for the others."
