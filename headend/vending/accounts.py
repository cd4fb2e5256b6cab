"""The ledger account for each line of a receipt."""

from __future__ import annotations

from headend.ledger import chart
from headend.tariffs.pricing import PriceLine
from headend.vending.models import SaleLine

# By kind of line; a tariff component and a debt have accounts of their own under these.
ACCOUNTS = {
    SaleLine.Kind.ENERGY: chart.ENERGY_SALES,
    SaleLine.Kind.TAX: chart.TAX_ON_SALES,
    SaleLine.Kind.LEVY: chart.LEVIES,
    SaleLine.Kind.FEE: chart.FEES,
    SaleLine.Kind.REBATE: chart.REBATES,
    SaleLine.Kind.DUTY: chart.DUTY_ON_SALES,
    SaleLine.Kind.DEBT: chart.DEBTS,
    SaleLine.Kind.CARRIED: chart.CARRIED,
    SaleLine.Kind.ROUNDING: chart.ROUNDING,
}


def account_of(line: PriceLine) -> str:
    """Return the account of what a line is for."""
    kind = SaleLine.Kind(line.kind)
    if kind == SaleLine.Kind.DEBT:
        return chart.debt_account(int(line.reference))
    return (
        chart.component_account(ACCOUNTS[kind], line.component)
        if line.component
        else ACCOUNTS[kind]
    )
