"""Whether every kWh of a tariff costs something, at each of its rates and for every customer.

Levies may be negative and rebates accumulate, so a tariff whose components are each valid can
still give energy away without end, or even pay for it. This is found here, before anybody is asked
to approve the tariff, and not by the first customer who reaches that step. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import product

from headend.config.exact import Fraction
from headend.tariffs import components as kinds
from headend.tariffs.charges import add_percentages, on_tender, percentages_on
from headend.tariffs.context import OPEN, SETTLED, PurchaseContext
from headend.tariffs.numbers import plain
from headend.tariffs.rules import TariffRules
from headend.tariffs.segments import Segment, energy_steps, reckoned

_MOST_SIZES = 100
_BEYOND = 1  # more than a limit
_FEE_MINOR = 10**6  # due of a fee that is collected with the energy: any amount will do


def price_problems(tariff: TariffRules) -> Iterator[str]:
    """Yield a sentence for each rate and each fee that comes to nothing or less.

    Args:
        tariff: whose components are each right by themselves.
    """
    sizes = _connection_sizes(tariff)
    if len(sizes) > _MOST_SIZES:
        yield f"a tariff tells at most {_MOST_SIZES} sizes of connections apart"
        return
    told: set[str] = set()
    for size, use in product(sizes, _uses(tariff)):
        context = PurchaseContext(connection_va=int(size), average_kwh=Fraction(use))
        for problem in (*_of_lines(tariff, context), *_of_energy(tariff, context)):
            if problem not in told:
                told.add(problem)
                yield problem


def _connection_sizes(tariff: TariffRules) -> list[Decimal]:
    """Return a size for each way in which a connection's size can matter."""
    bands = [c.by_connection_va for c in tariff.components if isinstance(c, kinds.PercentLevy)]
    if isinstance(tariff.energy, kinds.EnergyByBand) and tariff.energy.by == kinds.CONNECTION_VA:
        bands.append(tariff.energy.bands)
    return _measures(bands)


def _uses(tariff: TariffRules) -> list[Decimal]:
    """Return an average use for each band that goes by it."""
    energy = tariff.energy
    by_use = isinstance(energy, kinds.EnergyByBand) and energy.by == kinds.AVERAGE_USE
    return _measures([energy.bands] if isinstance(energy, kinds.EnergyByBand) and by_use else [])


def _measures(bands: list[tuple[kinds.Step, ...]]) -> list[Decimal]:
    limits = {step.upto for band in bands for step in band if step.upto is not None}
    return [*sorted(limits), max(limits, default=Decimal(0)) + _BEYOND]


def _of_lines(tariff: TariffRules, context: PurchaseContext) -> Iterator[str]:
    """Yield what is wrong with what is charged besides energy.

    A fee is taken as far as the money goes with what is put on it; of nothing, that is no amount.
    """
    for component in tariff.components:
        is_energy = isinstance(component, kinds.ENERGY_KINDS) and tariff.lifeline is not None
        is_fee = isinstance(component, kinds.PeriodicFee)
        is_other = isinstance(component, (kinds.PurchaseFee, kinds.TenderDuty)) or on_tender(
            component
        )
        if not (is_energy or is_fee or is_other):
            continue
        on_one = add_percentages({component.name: Fraction(1)}, tariff.components, context)
        net = sum(on_one.values(), Fraction(0))
        if net < 0 or (net == 0 and not is_other):
            yield f"{component.name}: all of it or more is given back by {_lowering(on_one)}"


def _of_energy(tariff: TariffRules, context: PurchaseContext) -> Iterator[str]:
    lifelines = [(SETTLED, False)]
    if tariff.lifeline is not None:
        lifelines += [(OPEN, False), (OPEN, True)]
    for lifeline, holds in lifelines:
        now = PurchaseContext(
            connection_va=context.connection_va,
            average_kwh=context.average_kwh,
            lifeline=lifeline,
        )
        steps = energy_steps(tariff, now, lifeline_holds=holds)
        for piece in reckoned(tariff, now, steps, _lowering_fees(tariff, now)):
            is_given = steps[piece.step].rate == 0 and piece.ends_kwh is not None
            if piece.price < 0 or (piece.price == 0 and not is_given):
                yield _sentence(tariff, steps[piece.step], piece)


def _lowering_fees(tariff: TariffRules, context: PurchaseContext) -> dict[str, int]:
    """Return, as due, the fees collected with the energy that make it cheaper, by rebates."""
    return {
        fee.name: _FEE_MINOR
        for fee in tariff.periodic_fees
        if fee.collected_per_kwh is not None
        and 1 + percentages_on({fee.name: Fraction(1)}, tariff, context) < 0
    }


def _sentence(tariff: TariffRules, step: kinds.Step, piece: Segment) -> str:
    energy = tariff.energy.name if tariff.energy is not None else ""
    scale = 10**tariff.minor_digits
    price = plain(piece.price / scale, at_least=2)
    lowering = _lowering(piece.rates, scale)
    cause = f"with {lowering}" if lowering else "as unit prices are rounded"
    return (
        f"{energy}: at the rate {plain(step.rate, at_least=2)} a kWh comes to {price} {cause}; "
        "it has to cost more than nothing"
    )


def _lowering(amounts: Mapping[str, Fraction], scale: int = 0) -> str:
    """Return the names of what is negative, with its amount for a kWh if a scale is given."""
    return " and ".join(
        f"{name} ({plain(amount / scale, at_least=2)})" if scale else name
        for name, amount in amounts.items()
        if amount < 0
    )
