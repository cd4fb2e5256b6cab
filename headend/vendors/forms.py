"""Forms of the pages of vendors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import QuerySet

from headend.accounts.models import User
from headend.design.fields import MoneyField, choose_currency
from headend.vendors.models import Contract, Till
from headend.vendors.services import Terms

_MONEY = forms.TextInput(
    attrs={"autocomplete": "off", "inputmode": "decimal", "placeholder": "0.00"}
)


_OTHER = "cash_"


class CashField(MoneyField):
    """Cash in a drawer: an amount of money that may be zero."""

    def clean(self, value: str | None) -> int | None:
        """Return the amount in the minor unit, >= 0."""
        if (value or "").strip(" 0.,") == "" and (value or "").strip():
            return 0
        return super().clean(value)


class _PlainForm(forms.Form):
    """Labels without a colon."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": ""} | kwargs)


class VendorForm(_PlainForm):
    """A new organisation."""

    name = forms.CharField(label="Name", max_length=100, help_text="Receipts print it.")
    tax_number = forms.CharField(label="Tax number", max_length=40, required=False)
    phone = forms.CharField(label="Phone", max_length=40, required=False)
    email = forms.EmailField(label="Email", required=False)


class WalletWatchForm(_PlainForm):
    """When a wallet is low."""

    threshold = MoneyField(
        label="Low below",
        required=False,
        widget=_MONEY,
        help_text="Of what is left to sell for. Empty: nobody is told.",
    )


class ContractForm(_PlainForm):
    """The terms of a contract."""

    kind = forms.ChoiceField(label="Earns by", choices=Contract.Kind.choices)
    percent = forms.DecimalField(
        label="Percent",
        min_value=0,
        max_digits=6,
        decimal_places=3,
        help_text="Of the credit bought, or of each sale. At 3 % discount, 97 buys 100.",
    )
    tax = forms.ChoiceField(label="Tax on what it earns", choices=Contract.Tax.choices)
    tax_percent = forms.DecimalField(
        label="Rate of that tax, percent", min_value=0, max_digits=6, decimal_places=3, initial=0
    )
    credit_limit = MoneyField(
        label="Credit limit",
        required=False,
        widget=_MONEY,
        help_text="How far the wallet may fall below nothing. Empty: not at all.",
    )
    largest_sale = MoneyField(
        label="Largest sale", required=False, widget=_MONEY, help_text="Empty: no limit."
    )

    def terms(self) -> Terms:
        """Return the terms of a valid form."""
        asked = self.cleaned_data
        return Terms(
            kind=asked["kind"],
            percent=asked["percent"],
            tax=asked["tax"],
            tax_percent=asked["tax_percent"],
            credit_limit_minor=asked["credit_limit"] or 0,
            largest_sale_minor=asked["largest_sale"],
        )


def as_typed(contract: Contract | None) -> dict[str, Any]:
    """Return a contract's terms as the form's fields show them."""
    if contract is None:
        return {}
    return {
        "kind": contract.kind,
        "percent": f"{contract.percent.normalize():f}",
        "tax": contract.tax,
        "tax_percent": f"{contract.tax_percent.normalize():f}",
        "credit_limit": typed(contract.credit_limit_minor),
        "largest_sale": typed(contract.largest_sale_minor),
    }


class PurchaseForm(_PlainForm):
    """A payment that is to become credit."""

    paid = MoneyField(label="Paid", widget=_MONEY)
    payment_reference = forms.CharField(
        label="Reference of the payment",
        max_length=60,
        help_text="By which the bank knows it; each payment gives credit once.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class TillForm(_PlainForm):
    """A new till."""

    name = forms.CharField(label="Name", max_length=60, help_text="Receipts print it.")
    needs_shift = forms.BooleanField(
        label="Cash is counted in shifts",
        required=False,
        initial=True,
        help_text="Not where a program sells.",
    )


class OperatorForm(_PlainForm):
    """A user who is to belong to the vendor."""

    username = forms.CharField(
        label="User name",
        max_length=150,
        help_text="From now on they sell and see for this vendor only.",
    )
    till = forms.ModelChoiceField(
        label="Till without shifts",
        queryset=Till.objects.none(),
        required=False,
        empty_label="none",
        help_text="Only for a program.",
    )

    def __init__(self, *args: Any, tills: QuerySet[Till], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["till"].queryset = tills  # type: ignore[attr-defined]

    def clean_username(self) -> User:
        """Return the user of that name."""
        user = User.objects.filter(username=self.cleaned_data["username"].strip()).first()
        if user is None:
            raise forms.ValidationError("There is no such user; create one under People.")
        return user


class ReasonForm(_PlainForm):
    """Why something is done."""

    reason = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="It stays in the audit record.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class SafeForm(ReasonForm):
    """Cash fetched from the bank; the currency is asked for if the utility takes several."""

    amount = MoneyField(label="Cash", widget=_MONEY)
    currency = forms.CharField(label="In", max_length=3, required=False)
    field_order = ("amount", "currency", "reason")

    def __init__(self, *args: Any, others: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose_currency(self, others)


class OpenShiftForm(_PlainForm):
    """Where a shift begins, and with how much cash."""

    till = forms.ModelChoiceField(label="Till", queryset=Till.objects.none(), empty_label=None)
    float_cash = CashField(label="Cash in the drawer now", initial="0", widget=_MONEY)

    def __init__(
        self, *args: Any, tills: QuerySet[Till], others: Sequence[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["till"].queryset = tills  # type: ignore[attr-defined]
        _add_others(self, dict.fromkeys(others, "0"))

    def others(self) -> dict[str, int]:
        """Return the cash typed in other currencies."""
        return _others_of(self)


class CashUpForm(_PlainForm):
    """The cash counted, each currency by itself."""

    counted = CashField(label="Cash in the drawer now", widget=_MONEY)

    def __init__(
        self, *args: Any, others: Mapping[str, str] = MappingProxyType({}), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        _add_others(self, others)

    def others(self) -> dict[str, int]:
        """Return the cash counted in other currencies."""
        return _others_of(self)


class CloseForm(_PlainForm):
    """Why the cash differs, if it does."""

    note = forms.CharField(
        label="Why the cash differs",
        max_length=300,
        required=False,
        help_text="Leave it empty if it is right.",
    )


def _add_others(form: forms.Form, currencies: Mapping[str, str]) -> None:
    """Ask for the cash of other currencies as well; by code, what the field says before."""
    for code, initial in currencies.items():
        form.fields[f"{_OTHER}{code}"] = CashField(
            label=f"Cash in {code}", initial=initial, currency=code, widget=_MONEY
        )


def _others_of(form: forms.Form) -> dict[str, int]:
    return {
        name.removeprefix(_OTHER): minor
        for name, minor in form.cleaned_data.items()
        if name.startswith(_OTHER)
    }


def typed(amount_minor: int | None) -> str:
    """Return an amount in the minor unit as it is typed; nothing for none."""
    if not amount_minor:
        return ""
    digits = settings.BASE_CURRENCY_MINOR_DIGITS
    return f"{amount_minor / 10**digits:.{digits}f}"
