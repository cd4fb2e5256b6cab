"""What somebody with pencil and paper would know: the simple model the engine is held against.

Its figures follow from what was asked for, from what receipts say and from what the meters on the
wall show; never from the ledger or from a balance that the engine keeps.
"""

from __future__ import annotations

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from headend.ledger import chart
from headend.ledger.queries import trial_balance

WALLETS = "wallets"
# Whose balances the books know; each with all accounts under it.
PLACES = (
    chart.CASH_AT_TILLS, chart.CASH_IN_SAFE, chart.BANK, chart.SUSPENSE, chart.REFUNDS,
    chart.BILLING, chart.CLOSINGS, chart.REALLOCATED, chart.OPENING_DEBTS,
    chart.DEBT_ADJUSTMENTS, chart.DEBTS_WRITTEN_OFF, chart.REALLOCATIONS_LOST, WALLETS,
)  # fmt: skip


class Books:
    """Where money is, and who owes what.

    Attributes:
        owed_minor: by the id of each debt.
        paid_into: what each sale paid into which debts, both by id.
    """

    def __init__(self) -> None:
        self._balances_minor: Counter[str] = Counter()  # debits less credits
        self.owed_minor: dict[int, int] = {}
        self.paid_into: dict[int, dict[int, int]] = {}

    def add(self, place: str, amount_minor: int) -> None:
        """Add to a place; below zero what leaves it, or is owed to somebody."""
        self._balances_minor[place] += amount_minor

    def of(self, place: str) -> int:
        """Return what is in a place."""
        return self._balances_minor[place]

    def differences(self) -> dict[str, tuple[int, int]]:
        """Return the ledger's and our figure of each place and debt in which they differ."""
        told: Counter[str] = Counter()
        for balance in trial_balance():
            told[_place(balance.code)] += balance.amount_minor
        ours = Counter({one: self._balances_minor[one] for one in PLACES})
        ours.update({chart.debt_account(pk): minor for pk, minor in self.owed_minor.items()})
        known = {*ours, *(code for code in told if chart.branch(code) == chart.DEBTS)}
        return {code: (told[code], ours[code]) for code in known if told[code] != ours[code]}


def energys_worth(energy_wh: int, minor_per_kwh: Fraction | int) -> int:
    """Return what energy costs, in minor units rounded half up, away from zero."""
    exact = Fraction(energy_wh, 1000) * minor_per_kwh
    as_decimal = Decimal(exact.numerator) / Decimal(exact.denominator)
    return int(as_decimal.quantize(Decimal(1), ROUND_HALF_UP))


def _place(code: str) -> str:
    return next((one for one in PLACES if code == one or code.startswith(f"{one}.")), code)
