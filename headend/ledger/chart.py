"""The chart of accounts: what kind of account a code names, by its first word."""

from __future__ import annotations

from headend.ledger.models import Account

CASH_AT_TILLS = "cash.tills"
ENERGY_SALES = "sales.energy"
TAX_ON_SALES = "tax.sales"
ROUNDING = "rounding.sales"

_KINDS = {
    "cash": Account.Kind.ASSET,
    "tax": Account.Kind.LIABILITY,
    "sales": Account.Kind.INCOME,
    "rounding": Account.Kind.INCOME,
}


def kind(code: str) -> str:
    """Return the kind of an account.

    Raises:
        KeyError: no such branch in the chart; add it to the table above.
    """
    return _KINDS[code.split(".")[0]]


def name(code: str) -> str:
    """Return an account's name for people: "tax.sales" is "Tax: sales"."""
    branch, _, rest = code.partition(".")
    return f"{branch.capitalize()}: {rest.replace('_', ' ')}" if rest else branch.capitalize()
