"""Forms of the pages of debts."""

from __future__ import annotations

from typing import Any

from django import forms

from headend.debts.models import Debt
from headend.debts.terms import Terms
from headend.design.fields import DayField, MoneyField

_NO_COMPLETION = {"autocomplete": "off"}
_MONEY = forms.TextInput(attrs=_NO_COMPLETION | {"inputmode": "decimal", "placeholder": "0.00"})
# What each method needs besides its name.
_NEEDED = {
    Debt.Method.PERCENT: ["percent"],
    Debt.Method.PERCENT_OWED: ["percent"],
    Debt.Method.PER_PURCHASE: ["amount_each"],
    Debt.Method.PER_MONTH: ["amount_each"],
    Debt.Method.INSTALMENTS: ["instalments", "first_due"],
}


class _PlainForm(forms.Form):
    """Labels without a colon."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""


class TermsForm(_PlainForm):
    """How a debt is recovered; only the fields that the method needs are read."""

    method = forms.ChoiceField(label="Recovered by", choices=Debt.Method.choices)
    percent = forms.DecimalField(
        label="Percent", required=False, min_value=0, max_value=100,
        max_digits=7, decimal_places=4,
    )  # fmt: skip
    later_percent = forms.DecimalField(
        label="Another percent from a day on", required=False, min_value=0, max_value=100,
        max_digits=7, decimal_places=4, help_text="Empty: the same all the time.",
    )  # fmt: skip
    later_from = DayField(label="From this day on", required=False)
    amount_each = MoneyField(
        label="Amount per purchase or per month", required=False, widget=_MONEY
    )
    instalments = forms.IntegerField(
        label="Number of instalments", required=False, min_value=1, max_value=240
    )
    first_due = DayField(
        label="First instalment due",
        required=False,
        help_text="The others follow on this day of each month; missed ones are made up.",
    )
    cap_per_purchase = MoneyField(
        label="At most per purchase", required=False, widget=_MONEY, help_text="Empty: no cap."
    )
    cap_per_month = MoneyField(
        label="At most per month", required=False, widget=_MONEY, help_text="Empty: no cap."
    )
    blocked_from = DayField(
        label="No purchases from this day on",
        required=False,
        help_text="Nothing is sold then before the debt is paid. Empty: never.",
    )
    priority = forms.IntegerField(
        label="Priority", min_value=1, max_value=99, initial=1, help_text="1 is recovered first."
    )

    def clean(self) -> dict[str, Any]:
        """Ask for what the method needs."""
        cleaned = self.cleaned_data
        for name in _NEEDED.get(cleaned.get("method", ""), []):
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, "This method needs it.")
        if bool(cleaned.get("later_percent")) != bool(cleaned.get("later_from")):
            name = "later_from" if cleaned.get("later_percent") else "later_percent"
            if name not in self.errors:
                self.add_error(name, "The percent and the day belong together.")
        return cleaned

    def terms(self) -> Terms:
        """Return the terms of a valid form."""
        asked = self.cleaned_data
        needed = _NEEDED[asked["method"]]
        read = {
            "percent": asked["percent"],
            "amount_minor": asked["amount_each"],
            "instalments": asked["instalments"],
            "first_due": asked["first_due"],
        }
        if "percent" in needed and asked["later_from"]:
            read |= {"later_percent": asked["later_percent"], "later_from": asked["later_from"]}
            needed = [*needed, "later_percent", "later_from"]
        names = ["amount_minor" if name == "amount_each" else name for name in needed]
        return Terms(
            method=asked["method"],
            priority=asked["priority"],
            cap_per_purchase_minor=asked["cap_per_purchase"],
            cap_per_month_minor=asked["cap_per_month"],
            blocked_from=asked["blocked_from"],
            **{name: read[name] for name in names},
        )


class ChangeTermsForm(TermsForm):
    """Other terms, and why."""

    reason = forms.CharField(
        label="Reason", max_length=200, widget=forms.TextInput(attrs=_NO_COMPLETION)
    )


class DebtForm(TermsForm):
    """A new debt."""

    attach_to = forms.ChoiceField(
        label="Owed by",
        help_text="A customer's debt goes with them when they move; a premises' debt stays.",
    )
    title = forms.CharField(
        label="What it is for", max_length=60, help_text="Receipts print it.",
        widget=forms.TextInput(attrs=_NO_COMPLETION),
    )  # fmt: skip
    amount = MoneyField(label="Amount owed", widget=_MONEY)
    field_order = ["attach_to", "title", "amount"]

    def __init__(self, *args: Any, owners: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["attach_to"].choices = owners  # type: ignore[attr-defined]


class AmountForm(_PlainForm):
    """How much, and why: for a write-off, which a second person approves."""

    amount = MoneyField(label="Amount", widget=_MONEY)
    reason = forms.CharField(
        label="Reason",
        max_length=300,
        widget=forms.TextInput(attrs=_NO_COMPLETION),
        help_text="The person who approves reads it; it stays in the audit record.",
    )


class AdjustmentForm(AmountForm):
    """How much more or less, and why."""

    direction = forms.ChoiceField(
        label="The debt is to become", choices=[("lower", "lower"), ("raise", "higher")]
    )
    field_order = ["direction", "amount", "reason"]


class EnergyFloorForm(_PlainForm):
    """What debts must leave for energy."""

    percent = forms.DecimalField(
        label="Kept for energy, percent of each purchase",
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        help_text="Debts together never take more than the rest.",
    )
