"""What somebody with pencil and paper would know: the simple model the engine is held against.

Its figures follow from what was asked for, from what receipts say and from what the meters on the
wall show; never from the ledger or from a balance that the engine keeps.
"""

from __future__ import annotations

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from django.conf import settings

from headend.ledger import chart
from headend.ledger.queries import trial_balance

BASE = settings.BASE_CURRENCY
WALLETS = "wallets"
# Whose balances the books know; each with all accounts under it.
PLACES = (
    chart.CASH_AT_TILLS, chart.CASH_IN_SAFE, chart.CASH_DIFFERENCES,
    chart.EXCHANGE, chart.EXCHANGE_DIFFERENCES, chart.BANK, chart.SUSPENSE, chart.REFUNDS,
    chart.BILLING, chart.CLOSINGS, chart.REALLOCATED, chart.OPENING_DEBTS,
    chart.DEBT_ADJUSTMENTS, chart.DEBTS_WRITTEN_OFF, chart.REALLOCATIONS_LOST, WALLETS,
)  # fmt: skip


class Books:
    """Where money is, in which currency, and who owes what.

    Attributes:
        owed_minor: by the id of each debt.
        paid_into: what each sale paid into which debts, both by id.
    """

    def __init__(self) -> None:
        self._balances_minor: Counter[tuple[str, str]] = Counter()  # debits less credits
        self._places: tuple[str, ...] = PLACES
        self.owed_minor: dict[int, int] = {}
        self.paid_into: dict[int, dict[int, int]] = {}

    def know(self, place: str) -> None:
        """Keep one account, and what is under it, by itself."""
        self._places = (place, *self._places)

    def add(self, place: str, amount_minor: int, currency: str = BASE) -> None:
        """Add to a place; below zero what leaves it, or is owed to somebody."""
        self._balances_minor[place, currency] += amount_minor

    def of(self, place: str, currency: str = BASE) -> int:
        """Return what is in a place."""
        return self._balances_minor[place, currency]

    def moved(self) -> set[tuple[str, str]]:
        """Return in which places something ever was, each with its currency."""
        return set(self._balances_minor)

    def differences(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return the ledger's and our figure of each place and debt in which they differ."""
        told: Counter[tuple[str, str]] = Counter()
        for balance in trial_balance():
            told[self._place(balance.code), balance.currency] += balance.amount_minor
        ours = self._balances_minor.copy()
        for pk, minor in self.owed_minor.items():
            ours[chart.debt_account(pk), BASE] = minor
        compared = {*self._places, *(code for code, _ in ours)}
        known = {
            one for one in {*told, *ours}
            if one[0] in compared or chart.branch(one[0]) == chart.DEBTS
        }  # fmt: skip
        return {one: (told[one], ours[one]) for one in known if told[one] != ours[one]}

    def _place(self, code: str) -> str:
        found = (one for one in self._places if code == one or code.startswith(f"{one}."))
        return next(found, code)


def energys_worth(energy_wh: int, minor_per_kwh: Fraction | int) -> int:
    """Return what energy costs, in minor units rounded half up, away from zero."""
    exact = Fraction(energy_wh, 1000) * minor_per_kwh
    as_decimal = Decimal(exact.numerator) / Decimal(exact.denominator)
    return int(as_decimal.quantize(Decimal(1), ROUND_HALF_UP))
