"""The price of a kWh as a function of how many were bought: pieces with one price each. Exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from headend.config.exact import Fraction
from headend.tariffs import components as kinds
from headend.tariffs.charges import add_percentages, band, connection_va
from headend.tariffs.context import OPEN, SETTLED, PurchaseContext
from headend.tariffs.errors import InvalidTariff
from headend.tariffs.numbers import HALF_UP, to_step, to_whole
from headend.tariffs.rules import TariffRules

Steps = tuple[kinds.Step, ...]
_WH_PER_KWH = 1000


@dataclass(frozen=True)
class Segment:
    """A stretch of this purchase's energy within which every kWh costs the same."""

    begins_kwh: Fraction
    ends_kwh: Fraction | None  # None: no end
    step: int  # which of the energy's steps
    rates: Mapping[str, Fraction]  # minor units per kWh, by component
    price: Fraction  # of one kWh with everything on it, as it is used


@dataclass(frozen=True)
class StepPart:
    """What one step contributes to a purchase."""

    step: int
    rate: Fraction  # minor units per kWh
    kwh: Fraction


def energy_steps(tariff: TariffRules, context: PurchaseContext, *, lifeline_holds: bool) -> Steps:
    """Return the energy's steps for one purchase; limits count from the window's beginning.

    Raises:
        AttributeMissing: a band goes by a connection size that is not known.
    """
    energy, lifeline = tariff.energy, tariff.lifeline
    if energy is None:
        return ()
    if isinstance(energy, kinds.EnergyByBand):
        by_size = energy.by == kinds.CONNECTION_VA
        measure = connection_va(context, energy.name) if by_size else context.average_kwh
        steps: Steps = (kinds.Step(None, band(energy.bands, measure).rate),)
    else:
        steps = energy.steps
        if energy.limits_accumulate and context.limit_periods > 1:
            steps = tuple(
                kinds.Step(None if s.upto is None else s.upto * context.limit_periods, s.rate)
                for s in steps
            )
    if lifeline is None:
        return steps
    within = kinds.Step(lifeline.limit_kwh, lifeline.rate)
    if lifeline_holds:
        return (within,)
    if lifeline.recover == kinds.NEXT_PURCHASE and context.lifeline == OPEN:
        return (within, *(s for s in steps if s.upto is None or s.upto > lifeline.limit_kwh))
    return steps


def repricing(
    tariff: TariffRules, lifeline: kinds.Lifeline, context: PurchaseContext, *, used_wh: Fraction
) -> int:
    """Return what energy sold at a lifeline's price is charged once its limit was passed.

    Energy that was given free, or sold at a full price before, is not charged; the rest counts
    from the first step on.

    Args:
        tariff: its rules.
        lifeline: its lower price.
        context: what the full price depends on, and what was given.
        used_wh: sold and given in the window; what a purchase has beyond the limit was never
            cheaper.

    Returns:
        Whole minor units, 0 or more, without the percentages on them.
    """
    # What was sold before is within the limit, though with what was given it may be beyond.
    within_wh = max(Fraction(lifeline.limit_kwh) * _WH_PER_KWH, Fraction(context.bought_wh))
    kwh = max(Fraction(0), min(used_wh, within_wh) - context.never_repriced_wh) / _WH_PER_KWH
    steps = energy_steps(tariff, replace(context, lifeline=SETTLED), lifeline_holds=False)
    dear = sum((part.kwh * part.rate for part in split(steps, Fraction(0), kwh, 1)), Fraction(0))
    more = (dear - kwh * Fraction(lifeline.rate)) * 10**tariff.minor_digits
    return max(0, to_whole(more, tariff.rounding.money_mode))


def segments(
    tariff: TariffRules,
    context: PurchaseContext,
    steps: Steps,
    per_kwh_due: Mapping[str, int],
) -> list[Segment]:
    """Return the pieces of a purchase, in order.

    Args:
        tariff: its rules.
        context: how much was bought before.
        steps: the energy's, from `energy_steps`.
        per_kwh_due: fees collected with the energy, minor units outstanding.

    Raises:
        InvalidTariff: the price of a kWh comes to less than nothing.
    """
    pieces = reckoned(tariff, context, steps, per_kwh_due)
    for piece in pieces:
        if piece.price < 0:
            raise InvalidTariff("the price of a kWh comes to less than nothing; check the levies")
    return pieces


def reckoned(
    tariff: TariffRules,
    context: PurchaseContext,
    steps: Steps,
    per_kwh_due: Mapping[str, int],
) -> list[Segment]:
    """Return the pieces of a purchase, whatever a kWh comes to. Args: as `segments`."""
    scale = 10**tariff.minor_digits
    bought = Fraction(context.bought_wh, _WH_PER_KWH)
    limits = [Fraction(s.upto) - bought for s in steps if s.upto is not None]
    limits += [
        Fraction(c.energy_above_kwh) - bought
        for c in tariff.components
        if isinstance(c, kinds.Tax) and c.energy_above_kwh is not None
    ]
    collected = {
        fee.name: Fraction(per_kwh_due[fee.name]) / (Fraction(fee.collected_per_kwh) * scale)
        for fee in tariff.periodic_fees
        if fee.collected_per_kwh is not None and per_kwh_due.get(fee.name)
    }
    marks = sorted({limit for limit in (*limits, *collected.values()) if limit > 0})
    pieces: list[Segment] = []
    begins = Fraction(0)
    for ends in (*marks, None):
        step = _step_at(steps, bought + begins)
        if step is None:
            break
        rates = _rates(tariff, Fraction(steps[step].rate))
        for name, until in collected.items():
            if begins < until:
                rates[name] = _collected_rate(tariff, name) * scale
        add_percentages(
            rates,
            tariff.components,
            context,
            taxed=_taxed_energy(tariff, rates, bought + begins),
        )
        pieces.append(Segment(begins, ends, step, rates, _price(tariff, rates)))
        begins = ends if ends is not None else begins
    return pieces


def spend(money: Fraction, pieces: Sequence[Segment]) -> tuple[Fraction, Fraction]:
    """Return the kWh that money buys, and the money that is left over.

    Free energy comes with any purchase, however small.
    """
    kwh = Fraction(0)
    for piece in pieces:
        if piece.ends_kwh is not None and (
            piece.price == 0 or money >= (piece.ends_kwh - piece.begins_kwh) * piece.price
        ):
            money -= (piece.ends_kwh - piece.begins_kwh) * piece.price
            kwh = piece.ends_kwh
            continue
        if piece.price == 0:
            raise InvalidTariff("energy without end costs nothing; give the last step a rate")
        return kwh + money / piece.price, Fraction(0)
    return kwh, money


def amounts_at(kwh: Fraction, pieces: Sequence[Segment]) -> dict[str, Fraction]:
    """Return what so much energy costs by component, in minor units."""
    amounts: dict[str, Fraction] = {}
    for index, piece in enumerate(pieces):
        last = index == len(pieces) - 1
        until = kwh if last or piece.ends_kwh is None else min(kwh, piece.ends_kwh)
        if until <= piece.begins_kwh:
            break
        for name, rate in piece.rates.items():
            amounts[name] = amounts.get(name, Fraction(0)) + rate * (until - piece.begins_kwh)
    return amounts


def split(steps: Steps, begins: Fraction, kwh: Fraction, scale: int) -> list[StepPart]:
    """Return how a purchase falls into the energy's steps.

    Args:
        steps: the energy's.
        begins: kWh of the window used up before.
        kwh: of this purchase; what exceeds a last limit stays in the last step.
        scale: minor units per major unit.
    """
    parts: list[StepPart] = []
    at, ends = begins, begins + kwh
    for index, step in enumerate(steps):
        last = index == len(steps) - 1
        until = ends if last or step.upto is None else min(ends, Fraction(step.upto))
        if until > at:
            parts.append(StepPart(index, Fraction(step.rate) * scale, until - at))
            at = until
    return parts


def split_money(steps: Steps, begins: Fraction, money: Fraction, scale: int) -> list[StepPart]:
    """Return how the money for energy falls into its steps at their bare rates.

    Where the last step ends too, rounding must not buy beyond it: a coin more would pass the limit
    of a lower price, and all its energy would be repriced.
    """
    parts: list[StepPart] = []
    at = begins
    for index, step in enumerate(steps):
        rate = Fraction(step.rate) * scale
        room = None if step.upto is None else Fraction(step.upto) - at
        if room is not None and room <= 0:
            continue
        if room is not None and money >= room * rate:
            parts.append(StepPart(index, rate, room))
            money -= room * rate
            at = Fraction(step.upto or 0)
            continue
        if rate == 0:
            raise InvalidTariff("energy without end costs nothing; give the last step a rate")
        parts.append(StepPart(index, rate, money / rate))
        break
    return [part for part in parts if part.kwh]


def _rates(tariff: TariffRules, rate: Fraction) -> dict[str, Fraction]:
    scale = 10**tariff.minor_digits
    rates: dict[str, Fraction] = {}
    for component in tariff.components:
        if isinstance(component, kinds.ENERGY_KINDS):
            rates[component.name] = rate * scale
        elif isinstance(component, kinds.PerKwhLevy):
            rates[component.name] = Fraction(component.rate) * scale
    return rates


def _taxed_energy(
    tariff: TariffRules, rates: Mapping[str, Fraction], used_kwh: Fraction
) -> dict[str, Fraction]:
    """Return, for taxes on energy above a limit only, the energy price that they count."""
    energy = tariff.energy
    if energy is None:
        return {}
    return {
        c.name: rates[energy.name] if used_kwh >= c.energy_above_kwh else Fraction(0)
        for c in tariff.components
        if isinstance(c, kinds.Tax) and c.energy_above_kwh is not None
    }


def _collected_rate(tariff: TariffRules, name: str) -> Fraction:
    fee = next(fee for fee in tariff.periodic_fees if fee.name == name)
    return Fraction(fee.collected_per_kwh or 0)


def _price(tariff: TariffRules, rates: Mapping[str, Fraction]) -> Fraction:
    price = sum(rates.values(), Fraction(0))
    if tariff.rounding.unit_price_step is not None:
        step = Fraction(tariff.rounding.unit_price_step) * 10**tariff.minor_digits
        price = to_step(price, step, HALF_UP)
    return price


def _step_at(steps: Steps, used_kwh: Fraction) -> int | None:
    for index, step in enumerate(steps):
        if step.upto is None or used_kwh < Fraction(step.upto):
            return index
    return None
