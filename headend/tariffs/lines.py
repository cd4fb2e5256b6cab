"""The lines of a receipt: each component's money as the tariff rounds it. Pure.

What the rounding leaves, of either sign, is a line too, so that the lines add up to the tender.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from headend.config.exact import Fraction
from headend.tariffs import components as kinds
from headend.tariffs import rules, words
from headend.tariffs.charges import Charges
from headend.tariffs.context import Deduction, PurchaseContext
from headend.tariffs.numbers import to_whole
from headend.tariffs.rules import TariffRules
from headend.tariffs.segments import StepPart, Steps, split_money

ENERGY, TAX, LEVY, FEE, REBATE, DUTY = "energy", "tax", "levy", "fee", "rebate", "duty"
CARRIED, ROUNDING, DEBT = "carried", "rounding", "debt"
OF_TARIFF = (ENERGY, TAX, LEVY, FEE, REBATE, DUTY, CARRIED, ROUNDING)
_WH_PER_KWH = 1000

KIND_OF_LINE = {
    kinds.Energy: ENERGY,
    kinds.EnergyByBand: ENERGY,
    kinds.PerKwhLevy: LEVY,
    kinds.PercentLevy: LEVY,
    kinds.Rebate: REBATE,
    kinds.Tax: TAX,
    kinds.PeriodicFee: FEE,
    kinds.PurchaseFee: FEE,
    kinds.TenderDuty: DUTY,
}


@dataclass(frozen=True)
class PriceLine:
    """One line of the receipt; `kind` is one of SaleLine.Kind."""

    kind: str
    description: str
    amount_minor: int
    energy_wh: int | None = None
    component: str = ""  # the name of the tariff's component it comes from
    included_tax_minor: int = 0  # taken out of it: its prices contain a tax
    explanation: str = ""  # how it was reckoned, in words
    reference: str = ""  # of a deduction: what it pays
    price_minor: Fraction | None = None  # of a kWh, on lines of energy
    base_minor: int | None = None  # of a tax, where the other lines do not show what it is on

    @property
    def is_explained(self) -> bool:
        """Whether the customer is told without asking how it was reckoned."""
        return is_explained(self.kind, self.energy_wh)


def is_explained(kind: str, energy_wh: int | None) -> bool:
    """Say whether receipts explain a line.

    They do where it is about other days than this one: debts, fees, what is left or repriced.
    """
    return kind in (DEBT, FEE, CARRIED) or (kind == ENERGY and energy_wh is None)


@dataclass
class Bill:
    """A purchase on its way to becoming lines; amounts are exact and in minor units."""

    tariff: TariffRules
    context: PurchaseContext
    charges: Charges
    steps: Steps
    parts: Sequence[StepPart]  # the energy as it is printed, by step
    amounts: Mapping[str, Fraction]  # by component
    payable_minor: int  # what the components' lines should add up to
    repriced_minor: int  # for energy that was cheaper when sold
    owed_minor: int  # of that: still unpaid
    due_next_minor: int = 0  # for energy that is cheap now, with the next purchase

    @property
    def energy_name(self) -> str:
        """The name of the component that prices energy; empty if there is none."""
        return self.tariff.energy.name if self.tariff.energy else ""


@dataclass(frozen=True)
class Rounded:
    """Whole amounts: of each energy step, and of every other component."""

    parts: Sequence[StepPart]
    steps_minor: Sequence[int]
    others_minor: Mapping[str, int]
    rest_minor: int = 0  # what rounding left, where a component's line took it

    @property
    def total_minor(self) -> int:
        """What they add up to."""
        return sum(self.steps_minor) + sum(self.others_minor.values())


def rounded(bill: Bill) -> Rounded:
    """Round every component's money by the tariff's policy."""
    policy = bill.tariff.rounding
    steps_minor = [to_whole(p.rate * p.kwh, policy.money_mode) for p in bill.parts]
    others = {
        name: to_whole(amount, policy.money_mode)
        for name, amount in bill.amounts.items()
        if name != bill.energy_name
    }
    if policy.lines_from == rules.MONEY_FIRST and bill.energy_name:
        return _money_first(bill, others)
    if policy.lines_from == rules.ROUNDED_KWH:
        _tax_rounded_lines(bill, steps_minor, others)
    if policy.residual_to is not None:
        rest = bill.payable_minor - bill.repriced_minor - sum(others.values()) - sum(steps_minor)
        if policy.residual_to != bill.energy_name:
            others[policy.residual_to] = others.get(policy.residual_to, 0) + rest
        elif steps_minor:
            steps_minor[-1] += rest
        return Rounded(bill.parts, steps_minor, others, rest)
    return Rounded(bill.parts, steps_minor, others)


def _money_first(bill: Bill, others: dict[str, int]) -> Rounded:
    """Round levies and taxes first; energy is the rest and is bought at its bare rates."""
    policy = bill.tariff.rounding
    residual = policy.residual_to or bill.energy_name
    payable = bill.payable_minor - bill.repriced_minor
    rest_minor = 0
    if residual == bill.energy_name:
        energy_minor = payable - sum(others.values())
    else:
        exact = bill.amounts.get(bill.energy_name, Fraction(0)) - bill.repriced_minor
        energy_minor = to_whole(exact, policy.money_mode)
        rest_minor = payable - energy_minor - sum(others.values())
        others[residual] = others.get(residual, 0) + rest_minor
    begins = Fraction(bill.context.bought_wh, _WH_PER_KWH)
    scale = 10**bill.tariff.minor_digits
    parts = split_money(bill.steps, begins, Fraction(max(energy_minor, 0)), scale)
    steps_minor = [to_whole(part.rate * part.kwh, policy.money_mode) for part in parts]
    if steps_minor:
        steps_minor[-1] += energy_minor - sum(steps_minor)
    return Rounded(parts, steps_minor, others, rest_minor)


def _tax_rounded_lines(bill: Bill, steps_minor: Sequence[int], others: dict[str, int]) -> None:
    """Reckon the taxes anew from lines that are already whole."""
    mode = bill.tariff.rounding.money_mode
    whole = {name: Fraction(minor) for name, minor in others.items()}
    whole[bill.energy_name] = Fraction(sum(steps_minor) + bill.repriced_minor)
    for tax in bill.tariff.components:
        if not isinstance(tax, kinds.Tax) or tax.inclusive:
            continue
        base = sum((whole.get(name, Fraction(0)) for name in tax.on), Fraction(0))
        if tax.energy_above_kwh is not None and bill.energy_name in tax.on:
            above = _energy_above(bill, Fraction(tax.energy_above_kwh))
            base += to_whole(above, mode) - whole[bill.energy_name]
        others[tax.name] = to_whole(base * Fraction(tax.percent) / 100, mode)
        whole[tax.name] = Fraction(others[tax.name])


def _energy_above(bill: Bill, limit: Fraction) -> Fraction:
    """Return the money for energy beyond a limit of the window."""
    at, total = Fraction(bill.context.bought_wh, _WH_PER_KWH), Fraction(0)
    for part in bill.parts:
        total += part.rate * max(Fraction(0), min(part.kwh, at + part.kwh - limit))
        at += part.kwh
    return total


def lines_of(
    bill: Bill, whole: Rounded, *, deductions: Sequence[Deduction], carried_minor: int
) -> tuple[PriceLine, ...]:
    """Write the lines in the order of the tariff; debts stand before energy.

    Args:
        bill: what they are about.
        whole: its rounded amounts.
        deductions: what debts take.
        carried_minor: left for the next purchase, >= 0.
    """
    deducted = [
        PriceLine(
            kind=each.kind,
            description=each.description,
            amount_minor=each.amount_minor,
            explanation=each.explanation,
            reference=each.reference,
        )
        for each in deductions
    ]
    lines: list[PriceLine] = []
    if bill.tariff.energy is None:
        lines += deducted
    for component in bill.tariff.components:
        if isinstance(component, kinds.ENERGY_KINDS):
            lines += [*deducted, *_energy_lines(bill, whole, component.name)]
        elif isinstance(component, kinds.Lifeline):
            continue
        elif component.name in whole.others_minor:
            amount = whole.others_minor[component.name]
            if amount or _is_told_at_nothing(bill, component):
                lines.append(_line(bill, whole, component, amount))
    lines = _with_included_taxes(bill.tariff, lines)
    if carried_minor:
        lines.append(
            PriceLine(CARRIED, words.LEFT_FOR_NEXT, carried_minor, explanation=words.LEFT_WHY)
        )
    brought = bill.context.carried_minor
    if brought:
        lines.append(PriceLine(CARRIED, words.BROUGHT, -brought, explanation=words.BROUGHT_WHY))
    rounding = bill.payable_minor - bill.repriced_minor - whole.total_minor
    if rounding:
        lines.append(
            PriceLine(ROUNDING, "Rounding", rounding, explanation=words.rounding(bill.tariff))
        )
    return tuple(lines)


def _is_told_at_nothing(bill: Bill, component: kinds.Component) -> bool:
    """Say whether a line of zero is shown: it is if it stands for a fee that stays owed."""
    if isinstance(component, kinds.PeriodicFee):
        outcome = bill.charges.fees.get(component.name)
        return outcome is not None and outcome.owed_minor > 0
    return not isinstance(component, kinds.TenderDuty)


def _energy_lines(bill: Bill, whole: Rounded, name: str) -> list[PriceLine]:
    lines: list[PriceLine] = []
    if bill.repriced_minor:
        lines.append(
            PriceLine(
                ENERGY,
                f"{name} bought earlier, repriced",
                bill.repriced_minor,
                component=name,
                explanation=words.repriced(bill.tariff, bill.owed_minor),
            )
        )
    steps = whole.parts or [StepPart(0, Fraction(0), Fraction(0))]
    amounts = whole.steps_minor or [0]
    energies = _whole_wh(steps)
    several = len(steps) > 1
    takes_rest = bill.tariff.rounding.residual_to == name
    for part, amount, energy_wh in zip(steps, amounts, energies, strict=True):
        explanation = words.energy(bill.tariff, bill.context, bill.steps, part)
        if takes_rest and part is steps[-1]:
            explanation += words.with_rest(whole.rest_minor, bill.tariff)
        lines.append(
            PriceLine(
                ENERGY,
                f"{name}, step {part.step + 1}" if several else name,
                amount,
                energy_wh=energy_wh,
                component=name,
                explanation=explanation,
                price_minor=part.rate,
            )
        )
    if bill.due_next_minor:
        lines.append(
            PriceLine(
                ENERGY,
                f"{name}, to be repriced",
                0,
                component=name,
                explanation=words.to_be_repriced(bill.tariff, bill.due_next_minor),
            )
        )
    return lines


def _whole_wh(parts: Sequence[StepPart]) -> list[int]:
    """Return each part's energy in whole Wh, so that they add up to the whole of all."""
    ends, told, out = Fraction(0), 0, []
    for part in parts:
        ends += part.kwh * _WH_PER_KWH
        out.append(int(ends) - told)
        told = int(ends)
    return out


def _line(bill: Bill, whole: Rounded, component: kinds.Component, amount_minor: int) -> PriceLine:
    explanation = words.why(
        component, bill.tariff, bill.context, bill.charges.fees, taken_minor=amount_minor
    )
    if component.name == bill.tariff.rounding.residual_to:
        explanation += words.with_rest(whole.rest_minor, bill.tariff)
    base_minor = _base_minor(bill, whole, component)
    if base_minor is not None:
        explanation += words.before_rounding(base_minor, bill.tariff)
    return PriceLine(
        KIND_OF_LINE[type(component)],
        words.title(component, bill.context),
        amount_minor,
        component=component.name,
        explanation=explanation,
        base_minor=base_minor,
    )


def _base_minor(bill: Bill, whole: Rounded, component: kinds.Component) -> int | None:
    """Return what a tax is on, if the lines it is on are of rounded energy and the tax is not."""
    policy = bill.tariff.rounding
    if policy.lines_from != rules.ENERGY_ROUNDED or not isinstance(component, kinds.Tax):
        return None
    if component.inclusive or not component.percent or bill.energy_name not in component.on:
        return None
    exact = bill.amounts.get(component.name, Fraction(0)) * 100 / Fraction(component.percent)
    shown = sum(whole.steps_minor) + bill.repriced_minor
    shown += sum(whole.others_minor.get(name, 0) for name in component.on)
    base_minor = to_whole(exact, policy.money_mode)
    return None if base_minor == shown else base_minor


def _with_included_taxes(tariff: TariffRules, lines: list[PriceLine]) -> list[PriceLine]:
    """Take taxes that prices contain out of the lines they are contained in."""
    for tax in tariff.components:
        if not isinstance(tax, kinds.Tax) or not tax.inclusive:
            continue
        total = 0
        for index, line in enumerate(lines):
            if line.component in tax.on:
                contained = to_whole(
                    line.amount_minor * Fraction(tax.percent) / (100 + Fraction(tax.percent)),
                    tariff.rounding.money_mode,
                )
                total += contained
                lines[index] = replace(
                    line,
                    amount_minor=line.amount_minor - contained,
                    included_tax_minor=line.included_tax_minor + contained,
                    explanation=line.explanation + words.contained(contained, tax, tariff),
                )
        lines = [
            replace(line, amount_minor=line.amount_minor + total)
            if line.component == tax.name
            else line
            for line in lines
        ]
    return lines
