"""Tariffs in plain words: titles of lines, and how each was calculated."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from headend.config.exact import Fraction
from headend.tariffs import components as kinds
from headend.tariffs import numbers, rules
from headend.tariffs.charges import FeeOutcome, band
from headend.tariffs.context import PurchaseContext
from headend.tariffs.numbers import plain
from headend.tariffs.rules import TariffRules
from headend.tariffs.segments import StepPart, Steps

LEFT_FOR_NEXT = "Left for the next purchase"
LEFT_WHY = "Money that buys nothing now; the next purchase begins with it."
BROUGHT = "Left by the last purchase"
BROUGHT_WHY = "Money that the last purchase left; it is spent now."

_MOST_DECIMALS = 12  # of a rate
_PERIODS = {kinds.MONTH: ("month", "months"), kinds.DAY: ("day", "days")}
_MODES = {numbers.HALF_UP: "to the nearest", numbers.FLOOR: "down to", numbers.CEIL: "up to"}


def money(major: Decimal | Fraction, tariff: TariffRules) -> str:
    """Return an amount or rate in major units with the decimals it needs."""
    return plain(major, at_least=tariff.minor_digits, at_most=_MOST_DECIMALS)


def title(component: kinds.Component, context: PurchaseContext) -> str:
    """Return what a component's line is called on a receipt."""
    if isinstance(component, kinds.Tax):
        included = ", in the prices" if component.inclusive else ""
        return f"{component.name} {plain(component.percent)} %{included}"
    if isinstance(component, kinds.PercentLevy | kinds.Rebate):
        return f"{component.name} {plain(_percent(component, context))} %"
    return component.name


def energy(tariff: TariffRules, context: PurchaseContext, steps: Steps, part: StepPart) -> str:
    """Say how the energy of one step was reckoned: units at a price, and why at this one."""
    rate = money(part.rate / 10**tariff.minor_digits, tariff)
    price = f"at {rate}" if part.rate or not part.kwh else "free"
    said = f"{plain(part.kwh, at_least=1, at_most=3)} kWh {price}"
    if len(steps) <= 1:
        return said + _band(tariff.energy, context)
    since = steps[part.step - 1].upto if part.step else None
    upto = steps[part.step].upto if part.step < len(steps) else None
    return f"{said} ({_stretch(since, upto)})"


def why(
    component: kinds.Component,
    tariff: TariffRules,
    context: PurchaseContext,
    fees: Mapping[str, FeeOutcome],
    *,
    taken_minor: int,
) -> str:
    """Say how a line other than energy was reckoned.

    Args:
        component: whose line it is.
        tariff: its rules.
        context: the customer's month so far.
        fees: by name, what the purchase does to periodic fees.
        taken_minor: the line's money.
    """
    match component:
        case kinds.PeriodicFee():
            return _fee(component, tariff, context, fees.get(component.name), taken_minor)
        case kinds.PurchaseFee():
            return f"{money(component.amount, tariff)} for each purchase"
        case kinds.PerKwhLevy():
            return f"{money(component.rate, tariff)} for each kWh"
        case kinds.PercentLevy() | kinds.Rebate() | kinds.Tax():
            return _percentage(component, context)
        case kinds.TenderDuty():
            return f"on purchases from {money(component.from_tender, tariff)} on"
    return ""


def before_rounding(base_minor: int, tariff: TariffRules) -> str:
    """Say what a tax is on that the rounded line of energy does not show."""
    return f", {money(Decimal(base_minor).scaleb(-tariff.minor_digits), tariff)} before rounding"


def with_rest(rest_minor: int, tariff: TariffRules) -> str:
    """Say what rounding put on a line, or took from it."""
    if not rest_minor:
        return ""
    verb = "and" if rest_minor > 0 else "less"
    return f", {verb} {_coins(abs(rest_minor), tariff)} of rounding"


def contained(tax_minor: int, tax: kinds.Tax, tariff: TariffRules) -> str:
    """Say which tax was taken out of a line whose price contains it."""
    return f", less the {tax.name} of {_coins(tax_minor, tariff)} in it" if tax_minor else ""


def rounding(tariff: TariffRules) -> str:
    """Say where a rounding line comes from."""
    policy = tariff.rounding
    return (
        f"energy is rounded {_MODES[policy.kwh_mode]} {plain(policy.kwh_step)} kWh and each line "
        "to the smallest coin; this is what remains"
    )


def repriced(tariff: TariffRules, owed_minor: int) -> str:
    """Say why energy that was sold already is charged again, and what of it stays owed."""
    said = _beyond_limit(tariff)
    return f"{said}; {_coins(owed_minor, tariff)} of it stays owed" if owed_minor else said


def to_be_repriced(tariff: TariffRules, due_minor: int) -> str:
    """Say what the next purchase will be charged for energy that passed the limit now."""
    taxed = any(
        isinstance(c, kinds.Tax | kinds.PercentLevy)
        and tariff.energy is not None
        and tariff.energy.name in c.on
        for c in tariff.components
    )
    more = f"{_coins(due_minor, tariff)} more" + (" (without tax)" if taxed else "")
    return (
        f"{_beyond_limit(tariff)}; {more} is due with the next purchase for what was bought at "
        "the lower price"
    )


def _beyond_limit(tariff: TariffRules) -> str:
    lifeline = tariff.lifeline
    limit = f"up to {plain(lifeline.limit_kwh)} kWh a month" if lifeline else "up to a limit"
    return f"the lower price holds {limit}; beyond it all units cost the same"


def summary(tariff: TariffRules) -> list[str]:
    """Return the whole tariff as sentences, in its order: what a clerk checks before approving."""
    said = [_sentence(component, tariff) for component in tariff.components]
    recovery = tariff.fee_recovery
    is_capped = recovery.max_share_percent < 100
    if tariff.periodic_fees and (is_capped or recovery.carry != rules.ALWAYS):
        most = f"{plain(recovery.max_share_percent)} % of a purchase, tax on them not counted"
        said.append(
            (f"Fees take at most {most}; " if is_capped else "Of fees that a purchase can't pay, ")
            + {
                rules.NOTHING: "the rest is not charged.",
                rules.WITHIN_PERIOD: "the rest is taken from the next purchases of the period.",
                rules.ALWAYS: "the rest is taken from the next purchases.",
            }[recovery.carry]
        )
    policy = tariff.rounding
    said.append(f"Energy is rounded {_MODES[policy.kwh_mode]} {plain(policy.kwh_step)} kWh.")
    said.append(
        {
            rules.EXACT_KWH: "Each line is reckoned from the energy before rounding.",
            rules.ROUNDED_KWH: "Each line is reckoned from the rounded energy.",
            rules.ENERGY_ROUNDED: "The energy line is the rounded energy at its price; taxes and "
            "levies are those of the whole payment.",
            rules.MONEY_FIRST: "Taxes and levies are rounded first; energy is bought with the "
            "rest.",
        }[policy.lines_from]
    )
    if policy.money_mode != numbers.HALF_UP:
        said.append(f"Money is rounded {_MODES[policy.money_mode]} the smallest coin.")
    if policy.residual_to:
        said.append(f"What rounding leaves goes to {policy.residual_to}.")
    if policy.unit_price_step is not None:
        step = plain(policy.unit_price_step)
        said.append(f"The price of a kWh with everything on it is rounded to {step}.")
    return said


def _sentence(component: kinds.Component, tariff: TariffRules) -> str:
    name = component.name
    match component:
        case kinds.Energy():
            return f"{name}: {_steps(component.steps, tariff)}{_window(component)}."
        case kinds.EnergyByBand():
            what = (
                f"the average use of the last {component.months} months"
                if component.by == kinds.AVERAGE_USE
                else "the size of the connection"
            )
            unit = "kWh" if component.by == kinds.AVERAGE_USE else "VA"
            bands = ", ".join(
                f"{money(one.rate, tariff)} "
                + (f"up to {plain(one.upto)} {unit}" if one.upto is not None else "beyond")
                for one in component.bands
            )
            return f"{name}: one price per kWh, chosen by {what}: {bands}."
        case kinds.Lifeline():
            when = "at once" if component.recover == kinds.NOW else "with the next purchase"
            return (
                f"{name}: who stays within {plain(component.limit_kwh)} kWh a month pays "
                f"{money(component.rate, tariff)} per kWh; who passes it pays the full price for "
                f"all of the month's units, {when}."
            )
        case kinds.PerKwhLevy():
            return f"{name}: {money(component.rate, tariff)} for each kWh."
        case kinds.PercentLevy() | kinds.Rebate() | kinds.Tax():
            return f"{name}: {_share_sentence(component)}."
        case kinds.PeriodicFee():
            return f"{name}: {_fee_sentence(component, tariff)}."
        case kinds.PurchaseFee():
            return f"{name}: {money(component.amount, tariff)} with each purchase."
        case kinds.TenderDuty():
            parts = [money(component.amount, tariff)] if component.amount else []
            parts += [f"{plain(component.percent)} %"] if component.percent else []
            return (
                f"{name}: {' and '.join(parts) or 'nothing'} on purchases from "
                f"{money(component.from_tender, tariff)} on."
            )


def _band(component: object, context: PurchaseContext) -> str:
    """Say what chose the only price of all energy, if anything did."""
    if not isinstance(component, kinds.EnergyByBand):
        return ""
    if component.by == kinds.AVERAGE_USE:
        return f" (average use {plain(context.average_kwh, at_most=1)} kWh a month)"
    return f" (connection of {context.connection_va} VA)"


def _share_sentence(component: kinds.PercentLevy | kinds.Rebate | kinds.Tax) -> str:
    said = f"{plain(component.percent)} % of {_listing(component.on)}"
    if isinstance(component, kinds.PercentLevy) and component.by_connection_va:
        bands = ", ".join(
            f"{plain(one.rate)} % " + (f"up to {plain(one.upto)} VA" if one.upto else "beyond")
            for one in component.by_connection_va
        )
        return f"by the size of the connection {bands}, of {_listing(component.on)}"
    if isinstance(component, kinds.Rebate):
        return f"{said} is given back"
    if isinstance(component, kinds.Tax):
        if component.energy_above_kwh is not None:
            said += f", counting only energy above {plain(component.energy_above_kwh)} kWh"
        if component.inclusive:
            said += ", already contained in the prices"
    return said


def _fee_sentence(fee: kinds.PeriodicFee, tariff: TariffRules) -> str:
    said = f"{money(fee.amount, tariff)} a {fee.period}"
    if fee.per_kva:
        said += " for each kVA of the connection"
    if fee.lifeline_amount is not None:
        said += f" ({money(fee.lifeline_amount, tariff)} while the lower price holds)"
    if fee.collected_per_kwh is not None:
        said += f", collected at {money(fee.collected_per_kwh, tariff)} per kWh until paid"
    else:
        said += f", with the first purchase of the {fee.period}"
    if not fee.accumulates:
        return f"{said}; {_PERIODS[fee.period][1]} without a purchase are not charged"
    if fee.max_periods is not None:
        one, many = _PERIODS[fee.period]
        most = f"{fee.max_periods} {one if fee.max_periods == 1 else many}"
        return f"{said}; missed {many} too, but never more than {most} in all"
    return f"{said}; missed {_PERIODS[fee.period][1]} are charged with the next purchase"


def _fee(
    fee: kinds.PeriodicFee,
    tariff: TariffRules,
    context: PurchaseContext,
    outcome: FeeOutcome | None,
    taken_minor: int,
) -> str:
    if outcome is None:
        return ""
    parts = []
    if outcome.periods:
        one, many = _PERIODS[fee.period]
        full = outcome.periods - outcome.lower_periods or outcome.periods
        said = f"{full} {one if full == 1 else many} at {money(outcome.each, tariff)}"
        if full < outcome.periods and fee.lifeline_amount is not None:
            said += f" and {outcome.lower_periods} at {money(fee.lifeline_amount, tariff)}"
        if fee.per_kva and context.connection_va is not None:
            said += f" for each of {plain(Fraction(context.connection_va, 1000))} kVA"
        parts.append(said)
    elif outcome.due_minor > outcome.brought_minor:
        parts.append("the full amount instead of the lower one")
    if outcome.brought_minor:
        parts.append(f"{_coins(outcome.brought_minor, tariff)} left by earlier purchases")
    said = ", and ".join(parts)
    if fee.collected_per_kwh is not None:
        said += f", collected at {money(fee.collected_per_kwh, tariff)} per kWh"
    if outcome.waived_minor:
        said += f"; {_coins(outcome.waived_minor, tariff)} of it is not charged"
    if outcome.due_minor > taken_minor:
        said += f"; {_coins(outcome.due_minor - taken_minor, tariff)} of it stays owed"
    return said


def _coins(amount_minor: int, tariff: TariffRules) -> str:
    return money(Fraction(amount_minor, 10**tariff.minor_digits), tariff)


def _percentage(
    component: kinds.PercentLevy | kinds.Rebate | kinds.Tax, context: PurchaseContext
) -> str:
    said = f"{plain(_percent(component, context))} % of {_listing(component.on)}"
    if isinstance(component, kinds.Tax) and component.energy_above_kwh is not None:
        said += f", energy above {plain(component.energy_above_kwh)} kWh only"
    return said


def _percent(
    component: kinds.PercentLevy | kinds.Rebate | kinds.Tax, context: PurchaseContext
) -> Decimal:
    if (
        isinstance(component, kinds.PercentLevy)
        and component.by_connection_va
        and context.connection_va is not None
    ):
        return band(component.by_connection_va, context.connection_va).rate
    return component.percent


def _listing(names: tuple[str, ...]) -> str:
    if len(names) == 1:
        return f"the {names[0]}" if names[0] in (kinds.TENDER, kinds.TENDER_NET) else names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _steps(steps: Steps, tariff: TariffRules) -> str:
    if len(steps) == 1 and steps[0].upto is None:
        return f"{money(steps[0].rate, tariff)} per kWh"
    said, since = [], None
    for step in steps:
        price = f"{money(step.rate, tariff)} per kWh" if step.rate else "free"
        said.append(f"{price} {_stretch(since, step.upto)}")
        since = step.upto
    return ", ".join(said)


def _stretch(since: Decimal | None, upto: Decimal | None) -> str:
    if upto is None:
        return f"above {plain(since)} kWh" if since is not None else "for all energy"
    if since is None:
        return f"up to {plain(upto)} kWh"
    return f"from {plain(since)} to {plain(upto)} kWh"


def _window(energy: kinds.Energy) -> str:
    if len(energy.steps) == 1 and energy.steps[0].upto is None:
        return ""
    said = {
        kinds.CALENDAR_MONTH: " in the calendar month",
        kinds.ROLLING_DAYS: f" in the last {energy.window_days} days",
        kinds.EACH_PURCHASE: " of each purchase",
    }[energy.window]
    if energy.limits_accumulate:
        said += "; the limits of months without a purchase are added"
    if not energy.free_units_count:
        said += "; units given free do not count"
    return said
