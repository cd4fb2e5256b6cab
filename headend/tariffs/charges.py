"""What a tender pays before energy: fees, levies on the tender, duties. Pure and exact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from headend.config.exact import Fraction
from headend.tariffs import components as kinds
from headend.tariffs.components import Component
from headend.tariffs.context import OPEN, FeeDue, PurchaseContext
from headend.tariffs.errors import AttributeMissing
from headend.tariffs.numbers import FLOOR, to_whole
from headend.tariffs.rules import NOTHING, TariffRules

_Amounts = dict[str, Fraction]


@dataclass(frozen=True)
class FeeOutcome:
    """What a purchase does to one periodic fee, in minor units."""

    periods: int
    due_minor: int
    taken_minor: int
    each: Decimal = Decimal(0)  # what a period costs this purchase, in major units
    brought_minor: int = 0  # of what is due: left unpaid by earlier purchases
    lower_periods: int = 0  # of the periods: those at the amount for small users
    waived_minor: int = 0  # besides what is due: beyond the tariff's cap, and never charged

    @property
    def owed_minor(self) -> int:
        """What is left unpaid."""
        return self.due_minor - self.taken_minor


@dataclass
class Charges:
    """Amounts that do not depend on the energy, by component, in minor units."""

    amounts: _Amounts = field(default_factory=dict)
    fees: dict[str, FeeOutcome] = field(default_factory=dict)
    per_kwh_due: dict[str, int] = field(default_factory=dict)  # collected with the energy

    def total(self) -> Fraction:
        """Return what they take together."""
        return sum(self.amounts.values(), Fraction(0))


def add_percentages(
    amounts: _Amounts,
    components: Iterable[Component],
    context: PurchaseContext,
    *,
    taxed: Mapping[str, Fraction] | None = None,
) -> _Amounts:
    """Add to amounts by component what the percentages on them come to, in order.

    Works for money and for prices of a kWh alike, as percentages are linear.

    Args:
        amounts: by component name; changed and returned.
        components: the tariff's.
        context: has the connection's size, which a percentage may depend on.
        taxed: by tax, the energy amount that it counts, where that is not all of it.
    """
    energy = {c.name for c in components if isinstance(c, kinds.ENERGY_KINDS)}
    for component in components:
        if not isinstance(component, kinds.PERCENT_KINDS) or on_tender(component):
            continue
        base = Fraction(0)
        for name in component.on:
            if name in energy and taxed is not None and component.name in taxed:
                base += taxed[component.name]
            else:
                base += amounts.get(name, 0)
        amounts[component.name] = base * _share(component, context)
    return amounts


def on_tender(component: Component) -> bool:
    """Say whether a component is a percentage of the tender itself."""
    return isinstance(component, kinds.PercentLevy) and component.on[0] in (
        kinds.TENDER,
        kinds.TENDER_NET,
    )


def connection_va(context: PurchaseContext, name: str) -> int:
    """Return the size of the connection.

    Raises:
        AttributeMissing: it is not known.
    """
    if context.connection_va is None:
        raise AttributeMissing(
            f"{name} depends on the size of the connection, which is not known; "
            "enter it with the supply agreement"
        )
    return context.connection_va


def band(bands: tuple[kinds.Step, ...], measure: Fraction | int) -> kinds.Step:
    """Return the band that a measure lies in; a limit belongs to its band."""
    fitting = (one for one in bands if one.upto is None or measure <= Fraction(one.upto))
    return next(fitting, bands[-1])


def charges_before_energy(
    tender_minor: int, tariff: TariffRules, context: PurchaseContext, *, lifeline_holds: bool
) -> Charges:
    """Return what a purchase pays before energy.

    Fees take what there is, in the order of the tariff and within its cap; what they can't take
    stays owed.

    Args:
        tender_minor: the money, with what an earlier purchase left.
        tariff: its rules.
        context: says what is due.
        lifeline_holds: fees with an amount of their own for small users come to that.
    """
    charges = Charges()
    money = Fraction(tender_minor)
    for component in tariff.components:
        if isinstance(component, kinds.PurchaseFee):
            amount = min(Fraction(tariff.minor(component.amount)), money)
            charges.amounts[component.name] = amount
            money -= amount
    after_purchase_fees = money
    for component in tariff.components:
        share = _of_tender(component, tender_minor, after_purchase_fees, tariff, context)
        if share is not None:
            charges.amounts[component.name] = min(share, money)
            money -= charges.amounts[component.name]
    money -= percentages_on(charges.amounts, tariff, context)
    _take_fees(charges, max(money, Fraction(0)), tender_minor, tariff, context, lifeline_holds)
    add_percentages(charges.amounts, tariff.components, context)
    return charges


def _of_tender(
    component: Component,
    tender_minor: int,
    after_purchase_fees: Fraction,
    tariff: TariffRules,
    context: PurchaseContext,
) -> Fraction | None:
    if isinstance(component, kinds.PercentLevy) and on_tender(component):
        net = component.on[0] == kinds.TENDER_NET
        return (after_purchase_fees if net else tender_minor) * _share(component, context)
    if isinstance(component, kinds.TenderDuty):
        if tender_minor < tariff.minor(component.from_tender):
            return None
        share = tender_minor * Fraction(component.percent) / 100
        whole = to_whole(share, tariff.rounding.money_mode)
        return Fraction(tariff.minor(component.amount) + whole)
    return None


def _take_fees(
    charges: Charges,
    money: Fraction,
    tender_minor: int,
    tariff: TariffRules,
    context: PurchaseContext,
    lifeline_holds: bool,
) -> None:
    room = Fraction(tariff.fee_recovery.max_share_percent) / 100 * tender_minor
    for fee in tariff.periodic_fees:
        due = context.fees.get(fee.name, FeeDue())
        periods = due.periods if fee.accumulates else min(due.periods, 1)
        periods = min(periods, fee.max_periods or periods)
        each = fee.amount
        if lifeline_holds and fee.lifeline_amount is not None:
            each = fee.lifeline_amount
        due_minor = due.owed_minor + _fee_amount(fee, periods, tariff, context, lifeline_holds)
        if fee.collected_per_kwh is not None:
            charges.per_kwh_due[fee.name] = due_minor
            charges.fees[fee.name] = FeeOutcome(periods, due_minor, 0, each, due.owed_minor)
            continue
        unit = {fee.name: Fraction(1)}
        with_tax = 1 + percentages_on(unit, tariff, context)
        taken = max(0, min(due_minor, to_whole(room, FLOOR), to_whole(money / with_tax, FLOOR)))
        charges.amounts[fee.name] = Fraction(taken)
        waived = due_minor - taken if tariff.fee_recovery.carry == NOTHING else 0
        charges.fees[fee.name] = FeeOutcome(
            periods,
            due_minor - waived,
            taken,
            each,
            due.owed_minor,
            _lower_periods(fee, periods, tariff, context, lifeline_holds),
            waived,
        )
        room -= taken
        money -= taken * with_tax


def _fee_amount(
    fee: kinds.PeriodicFee,
    periods: int,
    tariff: TariffRules,
    context: PurchaseContext,
    lifeline_holds: bool,
) -> int:
    lower = _lower_periods(fee, periods, tariff, context, lifeline_holds)
    major = Fraction(fee.amount) * (periods - lower)
    if fee.lifeline_amount is not None:
        major += Fraction(fee.lifeline_amount) * lower
        if not lifeline_holds and periods == 0 and _was_charged_less(tariff, context):
            major = Fraction(fee.amount) - Fraction(fee.lifeline_amount)
    if fee.per_kva:
        major = major * connection_va(context, fee.name) / 1000
    return to_whole(major * 10**tariff.minor_digits, tariff.rounding.money_mode)


def _lower_periods(
    fee: kinds.PeriodicFee,
    periods: int,
    tariff: TariffRules,
    context: PurchaseContext,
    lifeline_holds: bool,
) -> int:
    """Return how many of the periods cost a small user's amount.

    Who passes the limit pays in full for the period in which it is passed: in those without a
    purchase nothing was bought beyond it. So it costs the same in one payment or in two.
    """
    if fee.lifeline_amount is None:
        return 0
    if lifeline_holds:
        return periods
    at_once = tariff.lifeline is not None and tariff.lifeline.recover == kinds.NOW
    return max(0, periods - 1) if at_once and context.lifeline == OPEN else 0


def _was_charged_less(tariff: TariffRules, context: PurchaseContext) -> bool:
    """Say whether this window's fees were charged while the lower price held.

    Where energy is repriced with the next purchase, fees come in full with the first; so they did
    where an earlier version of the tariff sold the month's first energy.
    """
    at_once = tariff.lifeline is not None and tariff.lifeline.recover == kinds.NOW
    bought = context.bought_wh > context.free_wh or context.bought_this_month
    return at_once and context.lifeline == OPEN and bought and not context.full_price_wh


def percentages_on(
    amounts: Mapping[str, Fraction], tariff: TariffRules, context: PurchaseContext
) -> Fraction:
    """Return what percentages add to some amounts."""
    with_all = add_percentages(dict(amounts), tariff.components, context)
    return sum(with_all.values(), Fraction(0)) - sum(amounts.values(), Fraction(0))


def _share(
    component: kinds.PercentLevy | kinds.Rebate | kinds.Tax, context: PurchaseContext
) -> Fraction:
    percent = Fraction(component.percent)
    if isinstance(component, kinds.PercentLevy) and component.by_connection_va:
        size = connection_va(context, component.name)
        percent = Fraction(band(component.by_connection_va, size).rate)
    if isinstance(component, kinds.Tax) and component.inclusive:
        return Fraction(0)
    return (-percent if isinstance(component, kinds.Rebate) else percent) / 100
