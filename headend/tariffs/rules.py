"""A tariff as the price calculation wants it: ordered components and a rounding policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from headend.tariffs import components as kinds
from headend.tariffs import numbers
from headend.tariffs.errors import InvalidTariff

EXACT_KWH = "exact_kwh"
ROUNDED_KWH = "rounded_kwh"
ENERGY_ROUNDED = "energy_from_rounded_kwh"
MONEY_FIRST = "money_first"
LINES_FROM = (EXACT_KWH, ROUNDED_KWH, ENERGY_ROUNDED, MONEY_FIRST)

NOTHING, WITHIN_PERIOD, ALWAYS = "nothing", "within_period", "always"
CARRIES = (NOTHING, WITHIN_PERIOD, ALWAYS)
_PERCENT_LIMIT = 1000


@dataclass(frozen=True)
class Rounding:
    """How a tariff rounds; it is part of the tariff."""

    kwh_step: Decimal = Decimal("0.1")
    kwh_mode: str = numbers.FLOOR
    lines_from: str = EXACT_KWH  # the energy that lines are reckoned from
    money_mode: str = numbers.HALF_UP
    residual_to: str | None = None  # the line that becomes what others leave of the tender
    unit_price_step: Decimal | None = None  # the price of a kWh with everything on it


@dataclass(frozen=True)
class FeeRecovery:
    """What periodic fees may take of a tender, and what becomes of the rest."""

    max_share_percent: Decimal = Decimal(100)
    carry: str = ALWAYS


@dataclass(frozen=True)
class TariffRules:
    """What one version of a tariff says."""

    components: tuple[kinds.Component, ...]
    rounding: Rounding = Rounding()
    fee_recovery: FeeRecovery = FeeRecovery()
    minor_digits: int = 2

    @cached_property
    def energy(self) -> kinds.Energy | kinds.EnergyByBand | None:
        """The component that prices the energy."""
        return next((c for c in self.components if isinstance(c, kinds.ENERGY_KINDS)), None)

    @cached_property
    def free_units_count(self) -> bool:
        """Whether units given free count in the month as those bought do."""
        return not isinstance(self.energy, kinds.Energy) or self.energy.free_units_count

    @cached_property
    def lifeline(self) -> kinds.Lifeline | None:
        """The lower price for small users, if there is one."""
        return next((c for c in self.components if isinstance(c, kinds.Lifeline)), None)

    @cached_property
    def periodic_fees(self) -> tuple[kinds.PeriodicFee, ...]:
        """The fees per month or day."""
        return tuple(c for c in self.components if isinstance(c, kinds.PeriodicFee))

    def minor(self, major: Decimal) -> int:
        """Return an amount in whole minor units; it must have no more decimals than they."""
        return int(major.scaleb(self.minor_digits))

    def check(self) -> None:
        """Refuse what can't be priced.

        Raises:
            InvalidTariff: with a sentence for each thing that is wrong.
        """
        from headend.tariffs.soundness import price_problems  # which reckons with these rules

        problems = list(self.problems()) or list(price_problems(self))
        if problems:
            raise InvalidTariff("; ".join(problems))

    def problems(self) -> Iterator[str]:
        """Yield a sentence for each thing that is wrong."""
        names = [component.name for component in self.components]
        if not self.components:
            yield "a tariff needs at least one component"
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"two components are called {name}; give each a name of its own"
        for kind, what in ((kinds.ENERGY_KINDS, "energy"), (kinds.Lifeline, "lifeline")):
            if sum(isinstance(c, kind) for c in self.components) > 1:
                yield f"a tariff has one {what} component at most"
        earlier: set[str] = set()
        for component in self.components:
            if not 0 < len(component.name.strip()) <= 60 or not component.name.isprintable():
                yield "every component needs a name of at most 60 characters"
            elif component.name in (kinds.TENDER, kinds.TENDER_NET):
                yield f"{component.name} is a word with a meaning here; choose another name"
            for problem in (
                *_component_problems(component, earlier),
                *self._coin_problems(component),
            ):
                yield f"{component.name or component.kind}: {problem}"
            earlier.add(component.name)
        yield from self._rounding_problems(names)

    def _coin_problems(self, component: kinds.Component) -> Iterator[str]:
        """Yield which amounts of money, to be paid as they stand, can't be."""
        for field in _PAID_AS_WRITTEN.get(type(component), ()):
            amount: Decimal = getattr(component, field)
            if amount != round(amount, self.minor_digits):
                yield (
                    f"{numbers.plain(amount)} can't be paid; the currency has "
                    f"{self.minor_digits} decimals"
                )

    def _rounding_problems(self, names: list[str]) -> Iterator[str]:
        rounding = self.rounding
        if rounding.kwh_step <= 0 or rounding.kwh_step * 1000 % 1:
            yield "the energy step is a whole number of Wh, such as 0.1 kWh"
        for what, value, allowed in (
            ("kwh_mode", rounding.kwh_mode, numbers.MODES),
            ("money_mode", rounding.money_mode, numbers.MODES),
            ("lines_from", rounding.lines_from, LINES_FROM),
            ("carry", self.fee_recovery.carry, CARRIES),
        ):
            if value not in allowed:
                yield f"{what}: {value!r} is none of {', '.join(allowed)}"
        if rounding.residual_to is not None and rounding.residual_to not in names:
            yield f"the remainder goes to {rounding.residual_to}, which is no component"
        if rounding.unit_price_step is not None and rounding.unit_price_step <= 0:
            yield "the step that unit prices are rounded to must be more than nothing"
        if not 0 <= self.fee_recovery.max_share_percent <= 100:
            yield "fees take between 0 and 100 % of a tender"
        if not 0 <= self.minor_digits <= 4:
            yield "a currency has between 0 and 4 decimals"


def _component_problems(component: kinds.Component, earlier: set[str]) -> Iterator[str]:
    """Yield what is wrong with one component, given the names that stand before it."""
    if isinstance(component, kinds.PERCENT_KINDS):
        yield from _percent_problems(component, earlier)
    elif isinstance(component, kinds.Energy):
        yield from _step_problems(component.steps)
        yield from _free_without_end(component.steps)
        if component.window not in kinds.WINDOWS:
            yield f"window {component.window!r} is none of {', '.join(kinds.WINDOWS)}"
        if not 1 <= component.window_days <= 366:
            yield "a rolling window has 1 to 366 days"
    elif isinstance(component, kinds.EnergyByBand):
        yield from _band_problems(component)
    else:
        for holds, problem in _SIMPLE_PROBLEMS[type(component)]:
            if holds(component):
                yield problem


def _band_problems(component: kinds.EnergyByBand) -> Iterator[str]:
    yield from _step_problems(component.bands)
    yield from _free_without_end(component.bands)
    if component.bands and component.bands[-1].upto is not None:
        yield "the last band must have no limit"
    if component.by not in (kinds.AVERAGE_USE, kinds.CONNECTION_VA):
        yield f"bands go by {kinds.AVERAGE_USE} or {kinds.CONNECTION_VA}"
    if not 1 <= component.months <= 24:
        yield "an average is taken over 1 to 24 months"


_SIMPLE_PROBLEMS: dict[type, list[tuple[Callable[[Any], bool], str]]] = {
    kinds.Lifeline: [
        (lambda c: c.limit_kwh <= 0, "the limit must be more than nothing"),
        (lambda c: c.rate < 0, "a rate can't be negative"),
        (
            lambda c: c.recover not in (kinds.NOW, kinds.NEXT_PURCHASE),
            f"recovers {kinds.NOW} or at the {kinds.NEXT_PURCHASE}",
        ),
    ],
    kinds.PerKwhLevy: [],
    kinds.PeriodicFee: [
        (lambda c: min(c.amount, c.lifeline_amount or 0) < 0, "a fee can't be negative"),
        (
            lambda c: c.collected_per_kwh is not None and c.collected_per_kwh <= 0,
            "what is collected per kWh must be more than nothing",
        ),
        (lambda c: c.period not in (kinds.MONTH, kinds.DAY), "a period is a month or a day"),
        (
            lambda c: c.max_periods is not None and c.max_periods < 1,
            "at least one period is charged at once",
        ),
    ],
    kinds.PurchaseFee: [(lambda c: c.amount < 0, "a fee can't be negative")],
    kinds.TenderDuty: [
        (lambda c: min(c.from_tender, c.amount, c.percent) < 0, "a duty can't be negative"),
        (lambda c: c.percent >= 100, "a duty takes less than 100 %"),
    ],
}


_PAID_AS_WRITTEN: dict[type, tuple[str, ...]] = {
    kinds.PurchaseFee: ("amount",),
    kinds.TenderDuty: ("from_tender", "amount"),
}


def _free_without_end(steps: tuple[kinds.Step, ...]) -> Iterator[str]:
    if steps and steps[-1].upto is None and steps[-1].rate == 0:
        yield "energy without a limit can't be free; the last rate must be more than nothing"


def _percent_problems(
    component: kinds.PercentLevy | kinds.Rebate | kinds.Tax, earlier: set[str]
) -> Iterator[str]:
    on_tender = {kinds.TENDER, kinds.TENDER_NET} & set(component.on)
    limit = 100 if on_tender or isinstance(component, kinds.Rebate) else _PERCENT_LIMIT
    if not 0 <= component.percent <= limit:
        yield f"a percentage lies between 0 and {limit}"
    if on_tender and (len(component.on) > 1 or not isinstance(component, kinds.PercentLevy)):
        yield "only a levy goes on the tender, and then on nothing else"
    if not component.on:
        yield "say which lines it is a percentage of"
    for name in component.on:
        if name not in earlier and name not in on_tender:
            yield f"{name} does not stand before it in the list"
    if isinstance(component, kinds.PercentLevy) and component.by_connection_va:
        yield from _step_problems(component.by_connection_va)
        if component.by_connection_va[-1].upto is not None:
            yield "the last band must have no limit"


def _step_problems(steps: tuple[kinds.Step, ...]) -> Iterator[str]:
    if not steps:
        yield "at least one step is needed"
        return
    limits = [step.upto for step in steps[:-1]]
    if None in limits:
        yield "only the last step has no limit"
        return
    known = [limit for limit in (*limits, steps[-1].upto) if limit is not None]
    if any(limit <= 0 for limit in known) or sorted(set(known)) != known:
        yield "limits must rise from step to step"
    if any(step.rate < 0 for step in steps):
        yield "a rate can't be negative"


def flat(
    *,
    price_minor_per_kwh: Decimal,
    tax_percent: Decimal,
    tax_name: str = "VAT",
    energy_step_wh: int = 100,
    minor_digits: int = 2,
) -> TariffRules:
    """Return the simplest tariff: one price for all energy, one tax on it.

    Args:
        price_minor_per_kwh: minor currency units without tax, > 0.
        tax_percent: 0..100.
        tax_name: as receipts print it.
        energy_step_wh: issued energy is rounded down to a multiple of this.
        minor_digits: decimals of the currency.
    """
    rate = price_minor_per_kwh.scaleb(-minor_digits)
    parts: list[kinds.Component] = [kinds.Energy("Energy", (kinds.Step(None, rate),))]
    if tax_percent:
        parts.append(kinds.Tax(tax_name, tax_percent, ("Energy",)))
    return TariffRules(
        components=tuple(parts),
        rounding=Rounding(
            kwh_step=Decimal(energy_step_wh) / 1000,
            kwh_mode=numbers.FLOOR,
            lines_from=ENERGY_ROUNDED,
        ),
        minor_digits=minor_digits,
    )
