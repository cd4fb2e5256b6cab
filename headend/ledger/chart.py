"""The chart of accounts: what kind of account a code names, and what people call it."""

from __future__ import annotations

import re
from functools import lru_cache

from django.db import models
from django.utils.text import slugify

_LONGEST_COMPONENT = 40  # letters of a component's name in an account's code

CASH_AT_TILLS = "cash.tills"  # without a shift; each till with a drawer has its own under it
CASH_IN_SAFE = "cash.safe"
CASH_DIFFERENCES = "differences.cash"
EXCHANGE_DIFFERENCES = "differences.exchange"
EXCHANGE = "exchange"
ENERGY_SALES = "sales.energy"
LEVIES = "sales.levies"
FEES = "sales.fees"
REBATES = "sales.rebates"
TAX_ON_SALES = "tax.sales"
DUTY_ON_SALES = "tax.duty"
CARRIED = "carried.purchases"
ROUNDING = "rounding.sales"
DEBTS = "debts"
OPENING_DEBTS = "opening.debts"
DEBT_ADJUSTMENTS = "adjustments.debts"
DEBTS_WRITTEN_OFF = "losses.debts"
REALLOCATED = "reallocated.sales"
REALLOCATIONS_LOST = "losses.reallocations"
RETURNED_ENERGY = "returns.energy"
REFUNDS = "refunds.customers"
BILLING = "billing.customers"
CLOSINGS = "closings.customers"
BANK = "bank.payments"
SUSPENSE = "suspense.bank"
TAX_ON_COMMISSION = "reclaimable.tax"


class Kind(models.TextChoices):
    """What a positive balance means, in the order of a trial balance."""

    ASSET = "asset", "Assets"
    LIABILITY = "liability", "Liabilities"
    EQUITY = "equity", "Equity"
    INCOME = "income", "Income"
    EXPENSE = "expense", "Expenses"


_KINDS = {
    "cash": Kind.ASSET,  # money in tills, one account a place
    "bank": Kind.ASSET,
    "exchange": Kind.ASSET,  # a currency taken, and what the base one had for it
    "reclaimable": Kind.ASSET,  # tax in what vendors earn, which the tax office gives back
    "debts": Kind.ASSET,  # what customers owe, one account a debt
    "wallets": Kind.LIABILITY,  # what vendors have paid ahead, one account a vendor
    "suspense": Kind.LIABILITY,  # money whose owner is not known yet
    "carried": Kind.LIABILITY,  # left by one purchase for the next
    "reallocated": Kind.LIABILITY,  # on its way from one sale to another; empty after
    "closings": Kind.LIABILITY,  # accounts while they are settled; empty after
    "refunds": Kind.LIABILITY,  # owed to customers who left, until it is paid out
    "billing": Kind.LIABILITY,  # credit handed over to the bills of post-payment
    "tax": Kind.LIABILITY,
    "opening": Kind.EQUITY,  # balances brought along from an earlier system
    "sales": Kind.INCOME,  # by tariff component
    "returns": Kind.INCOME,  # sold energy taken back from customers; a debit
    "rounding": Kind.INCOME,
    "adjustments": Kind.EXPENSE,
    "commission": Kind.EXPENSE,  # what vendors earn
    "losses": Kind.EXPENSE,  # debts written off, energy given to the wrong meter
    "differences": Kind.EXPENSE,  # what was short less what was over: cash counted, cash sold
}

# What people call an account: the longest beginning of its code counts, the rest is added.
_NAMES = {
    "cash": "Cash",
    CASH_AT_TILLS: "Cash at the utility's tills",
    CASH_IN_SAFE: "Cash in the safe",
    "bank": "Bank",
    BANK: "Payments at the bank",
    EXCHANGE: "Other currencies taken",
    TAX_ON_COMMISSION: "Tax in commission, to be reclaimed",
    DEBTS: "Debts of customers",
    "wallets": "Wallets of vendors",
    SUSPENSE: "Payments nobody accounted for",
    CARRIED: "Left by one purchase for the next",
    REALLOCATED: "Sales on their way to another meter",
    CLOSINGS: "Accounts being settled",
    REFUNDS: "Refunds owed to customers",
    BILLING: "Credit handed over to billing",
    TAX_ON_SALES: "Tax on sales",
    DUTY_ON_SALES: "Duty on sales",
    OPENING_DEBTS: "Debts brought along",
    ENERGY_SALES: "Energy sold",
    LEVIES: "Levies",
    FEES: "Fees",
    REBATES: "Rebates",
    RETURNED_ENERGY: "Energy taken back",
    ROUNDING: "Rounding of sales",
    DEBT_ADJUSTMENTS: "Debts adjusted",
    "commission": "Commission of vendors",
    DEBTS_WRITTEN_OFF: "Debts written off",
    REALLOCATIONS_LOST: "Energy given to the wrong meter",
    CASH_DIFFERENCES: "Cash short or over",
    EXCHANGE_DIFFERENCES: "Lost less gained on exchange",
}

# Branches with an account for each debt or vendor; a trial balance shows each as one figure.
SUBLEDGERS = ("debts", "wallets", "commission")

# Branches that say how a sale was paid; all others say what its money is for.
PAID_FROM = (
    "cash", "bank", "exchange", "wallets", "commission", "reclaimable", "reallocated",
)  # fmt: skip


def debt_account(debt_id: int) -> str:
    """Return the account of what is owed under one debt."""
    return f"{DEBTS}.{debt_id}"


def drawer_account(till_id: int) -> str:
    """Return the account of the cash in the drawer of one of the utility's own tills."""
    return f"{CASH_AT_TILLS}.{till_id}"


def exchange_account(currency: str) -> str:
    """Return the account over which money in another currency is exchanged for the base one."""
    return f"{EXCHANGE}.{currency}"


def debt_of(account: str) -> int:
    """Return the id of the debt that an account is of."""
    return int(account.removeprefix(f"{DEBTS}."))


@lru_cache(maxsize=4096)
def component_account(account: str, component: str) -> str:
    """Return the account of one tariff component's share: "sales.energy.block-energy"."""
    return f"{account}.{slugify(component, allow_unicode=True)[:_LONGEST_COMPONENT] or 'other'}"


def wallet_account(vendor_id: int) -> str:
    """Return the account of what a vendor has paid ahead."""
    return f"wallets.{vendor_id}"


def commission_account(vendor_id: int) -> str:
    """Return the account of what a vendor has earned, without tax."""
    return f"commission.{vendor_id}"


def kind(code: str) -> str:
    """Return the kind of an account.

    Raises:
        KeyError: no such branch in the chart; add it to the table above.
    """
    return _KINDS[branch(code)]


def is_of_kind(code: str, kind: str) -> bool:
    """Tell whether the chart has such an account, and as that kind."""
    return _KINDS.get(branch(code)) == kind


def branch(code: str) -> str:
    """Return the first word of a code: the branch of the chart that the account hangs on."""
    return code.partition(".")[0]


def shown_as(code: str) -> str:
    """Return as what a trial balance shows an account: its branch if that is one figure."""
    found = branch(code)
    return found if found in SUBLEDGERS else code


def name(code: str) -> str:
    """Return what people call an account: "sales.energy.step-1" is "Energy sold: step 1"."""
    known = code
    while known and known not in _NAMES:
        known = known.rpartition(".")[0]
    rest = re.sub(r"[._-]", " ", code.removeprefix(known).removeprefix("."))
    if not known:
        return rest.capitalize()
    return f"{_NAMES[known]}: {rest}" if rest else _NAMES[known]
