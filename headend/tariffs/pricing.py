"""The price calculation: money in, energy and receipt lines out. Pure and exact."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

_WH_PER_KWH = 1000


@dataclass(frozen=True)
class FlatTariff:
    """One price for all energy, with one tax on it."""

    price_minor_per_kwh: Decimal  # without tax, > 0
    tax_percent: Decimal  # 0..100
    tax_name: str
    energy_step_wh: int  # issued energy is a whole number of these, rounded down


@dataclass(frozen=True)
class PriceLine:
    """One line of the receipt; `kind` is one of SaleLine.Kind."""

    kind: str
    description: str
    amount_minor: int
    energy_wh: int | None = None


@dataclass(frozen=True)
class Calculation:
    """What a tender buys. The lines add up to the tender."""

    lines: tuple[PriceLine, ...]
    exact_wh: Fraction
    sold_wh: int  # exact, rounded down to a whole Wh
    issued_wh: int  # as the tariff rounds it

    def total_minor(self, kind: str) -> int:
        """Return the money of all lines of a kind."""
        return sum(line.amount_minor for line in self.lines if line.kind == kind)


def price(tender_minor: int, tariff: FlatTariff) -> Calculation:
    """Split a tender into energy and tax, and say how much energy that is.

    The energy is what the exact untaxed share of the tender buys, rounded down to the tariff's
    step. The energy line is that energy at the tariff's price, so that a customer can check it;
    what the rounding leaves of the tender is a line of its own. Money is rounded half up.

    Args:
        tender_minor: what the customer hands over, in minor currency units, > 0.
        tariff: the tariff in force.

    Returns:
        Calculation: `issued_wh` is 0 if the tender buys less than one step of energy.
    """
    tax_factor = 1 + Fraction(tariff.tax_percent) / 100
    exact_net = Fraction(tender_minor) / tax_factor
    tax_minor = _round_half_up(tender_minor - exact_net)
    exact_wh = exact_net * _WH_PER_KWH / Fraction(tariff.price_minor_per_kwh)
    issued_wh = exact_wh // tariff.energy_step_wh * tariff.energy_step_wh
    energy_minor = min(
        _round_half_up(issued_wh * Fraction(tariff.price_minor_per_kwh) / _WH_PER_KWH),
        tender_minor - tax_minor,
    )
    rounding_minor = tender_minor - tax_minor - energy_minor
    lines = [
        PriceLine(
            kind="energy", description="Energy", amount_minor=energy_minor, energy_wh=issued_wh
        )
    ]
    if tariff.tax_percent:
        lines.append(
            PriceLine(
                kind="tax",
                description=f"{tariff.tax_name} {tariff.tax_percent.normalize():f} %",
                amount_minor=tax_minor,
            )
        )
    if rounding_minor:
        lines.append(
            PriceLine(kind="rounding", description="Rounding", amount_minor=rounding_minor)
        )
    return Calculation(
        lines=tuple(lines), exact_wh=exact_wh, sold_wh=int(exact_wh), issued_wh=issued_wh
    )


def _round_half_up(amount: Fraction) -> int:
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)
