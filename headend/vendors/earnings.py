"""What a vendor earns, and the tax on it: pure arithmetic, exact, in minor units."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from headend.config.exact import Fraction

NO_TAX, INCLUDED, ADDED = "none", "included", "added"


@dataclass(frozen=True)
class Rate:
    """The terms of a contract that say what is earned.

    Args:
        percent: of the credit bought (discount) or of the sale (commission), 0..<100.
        tax: NO_TAX, INCLUDED in the percentage, or ADDED to it.
        tax_percent: the tax's own rate.
    """

    percent: Decimal
    tax: str
    tax_percent: Decimal

    @property
    def gross(self) -> Fraction:
        """What the vendor keeps of one unit, tax and all."""
        bare = Fraction(self.percent) / 100
        return bare * (1 + self._tax_rate) if self.tax == ADDED else bare

    @property
    def _tax_rate(self) -> Fraction:
        return Fraction(0) if self.tax == NO_TAX else Fraction(self.tax_percent) / 100

    def earned_on_sale(self, tender_minor: int) -> int:
        """Return the commission on a sale with its tax, rounded half up."""
        return _round(tender_minor * self.gross)

    def credit_for(self, paid_minor: int) -> int:
        """Return the credit that a payment buys at a discount, rounded half up.

        At 3 percent, 97 buys 100: the percentage is of the credit.
        """
        return _round(paid_minor / (1 - self.gross))

    def tax_within(self, earned_minor: int) -> int:
        """Return the part of what was earned that is tax, rounded half up."""
        return _round(earned_minor * self._tax_rate / (1 + self._tax_rate))


def _round(exact: Fraction) -> int:
    """Round half up; nothing here is negative."""
    return int(exact + Fraction(1, 2))
