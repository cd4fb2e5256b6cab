"""The chart of accounts: what kind of account a code names, by its first word."""

from __future__ import annotations

from django.utils.text import slugify

from headend.ledger.models import Account

_LONGEST_COMPONENT = 40  # letters of a component's name in an account's code

CASH_AT_TILLS = "cash.tills"  # without a shift; each till with a drawer has its own under it
CASH_IN_SAFE = "cash.safe"
CASH_DIFFERENCES = "differences.cash"
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

_KINDS = {
    "cash": Account.Kind.ASSET,  # money in tills, one account a place
    "bank": Account.Kind.ASSET,
    "exchange": Account.Kind.ASSET,  # a currency taken, and what the base one had for it
    "reclaimable": Account.Kind.ASSET,  # tax in what vendors earn, which the tax office gives back
    "debts": Account.Kind.ASSET,  # what customers owe, one account a debt
    "wallets": Account.Kind.LIABILITY,  # what vendors have paid ahead, one account a vendor
    "suspense": Account.Kind.LIABILITY,  # money whose owner is not known yet
    "carried": Account.Kind.LIABILITY,  # left by one purchase for the next
    "reallocated": Account.Kind.LIABILITY,  # on its way from one sale to another; empty after
    "closings": Account.Kind.LIABILITY,  # accounts while they are settled; empty after
    "refunds": Account.Kind.LIABILITY,  # owed to customers who left, until it is paid out
    "billing": Account.Kind.LIABILITY,  # credit handed over to the bills of post-payment
    "tax": Account.Kind.LIABILITY,
    "opening": Account.Kind.EQUITY,  # balances brought along from an earlier system
    "sales": Account.Kind.INCOME,  # by tariff component
    "returns": Account.Kind.INCOME,  # sold energy taken back from customers; a debit
    "rounding": Account.Kind.INCOME,
    "adjustments": Account.Kind.EXPENSE,
    "commission": Account.Kind.EXPENSE,  # what vendors earn
    "losses": Account.Kind.EXPENSE,  # debts written off, energy given to the wrong meter
    "differences": Account.Kind.EXPENSE,  # cash short less cash over, as drawers were counted
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


def branch(code: str) -> str:
    """Return the first word of a code: the branch of the chart that the account hangs on."""
    return code.partition(".")[0]


def name(code: str) -> str:
    """Return an account's name for people: "tax.sales" is "Tax: sales"."""
    first, _, rest = code.partition(".")
    return f"{first.capitalize()}: {rest.replace('_', ' ')}" if rest else first.capitalize()
