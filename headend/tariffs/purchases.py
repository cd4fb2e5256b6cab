"""Example purchases under a tariff, as the editor shows them beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headend.config.errors import Refusal
from headend.config.exact import Fraction
from headend.tariffs.context import FeeDue, PurchaseContext
from headend.tariffs.pricing import Calculation, least_tender, price
from headend.tariffs.rules import TariffRules

ENERGIES_WH = (10_000, 50_000, 100_000, 350_000)
TENDERS_MAJOR = (10, 50, 100, 500)
_LARGEST_EXAMPLE_MINOR = 10**9


@dataclass(frozen=True)
class Circumstances:
    """Whose purchase it is, as typed beside the examples."""

    bought_kwh: int = 0
    fee_periods: int = 1
    average_kwh: int = 100
    connection_va: int = 1300


@dataclass(frozen=True)
class Example:
    """One purchase, or why there is none."""

    tender_minor: int
    calculation: Calculation | None
    refused: str = ""


@dataclass(frozen=True)
class PricedEnergy:
    """What an amount of energy costs; None: no money buys it."""

    energy_wh: int
    tender_minor: int | None


def context_of(rules: TariffRules, stated: Circumstances) -> PurchaseContext:
    """Return the price calculation's context for circumstances that were typed."""
    return PurchaseContext(
        bought_wh=stated.bought_kwh * 1000,
        fees={fee.name: FeeDue(stated.fee_periods) for fee in rules.periodic_fees},
        average_kwh=Fraction(stated.average_kwh),
        connection_va=stated.connection_va,
    )


def examples(
    rules: TariffRules, stated: Circumstances, tenders_minor: Sequence[int]
) -> list[Example]:
    """Return what each tender buys."""
    context = context_of(rules, stated)
    out: list[Example] = []
    for tender_minor in tenders_minor:
        try:
            done = price(tender_minor=tender_minor, tariff=rules, context=context)
            out.append(Example(tender_minor, done))
        except Refusal as error:
            out.append(Example(tender_minor, None, error.sentence))
    return out


def prices(rules: TariffRules, stated: Circumstances) -> list[PricedEnergy]:
    """Return what some amounts of energy cost; none if the tariff prices no energy."""
    context = context_of(rules, stated)
    try:
        return [
            PricedEnergy(
                energy_wh,
                least_tender(
                    energy_wh=energy_wh,
                    tariff=rules,
                    context=context,
                    largest_tender_minor=_LARGEST_EXAMPLE_MINOR,
                ),
            )
            for energy_wh in ENERGIES_WH
        ]
    except Refusal:
        return []
