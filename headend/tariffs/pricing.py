"""The price calculation: money in, energy and receipt lines out. Pure and exact.

In order: what is due before energy (`charges`), what the rest buys (`segments`), and the lines as
the tariff rounds them (`lines`). The lines add up to the tender.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from headend.config.exact import Fraction
from headend.tariffs import components as kinds
from headend.tariffs import lifeline, rules
from headend.tariffs.charges import (
    Charges,
    FeeOutcome,
    add_percentages,
    charges_before_energy,
    percentages_on,
)
from headend.tariffs.context import Deduction, PurchaseContext
from headend.tariffs.lines import Bill, PriceLine, lines_of, rounded
from headend.tariffs.numbers import CEIL, FLOOR, to_step, to_whole
from headend.tariffs.rules import TariffRules
from headend.tariffs.segments import (
    amounts_at,
    energy_steps,
    segments,
    spend,
    split,
)

_WH_PER_KWH = 1000
_NO_CONTEXT = PurchaseContext()

# What debts take of the money that fees have left, or amounts known beforehand.
Deductions = Sequence[Deduction] | Callable[[int], Sequence[Deduction]]


@dataclass(frozen=True)
class Calculation:
    """What a tender buys. The lines add up to the tender."""

    lines: tuple[PriceLine, ...]
    exact_wh: Fraction
    sold_wh: int  # exact, rounded down to a whole Wh
    issued_wh: int  # as the tariff rounds it
    energy_money: Fraction  # left for energy with its levies and taxes, minor units
    amounts: Mapping[str, Fraction]  # by component, before rounding
    fees: Mapping[str, FeeOutcome]
    carried_minor: int  # left for the next purchase
    lifeline: str  # what the next purchase finds
    lifeline_owed_minor: int = 0  # left to pay of a repricing, without what is put on it
    repriced_minor: int = 0  # paid of it

    def total_minor(self, kind: str) -> int:
        """Return the money of all lines of a kind."""
        return sum(line.amount_minor for line in self.lines if line.kind == kind)


def price(
    *,
    tender_minor: int,
    tariff: TariffRules,
    context: PurchaseContext = _NO_CONTEXT,
    deductions: Deductions = (),
) -> Calculation:
    """Split a tender into the lines of its receipt, and say how much energy it buys.

    Args:
        tender_minor: what the customer hands over, in minor currency units, > 0.
        tariff: the rules in force.
        context: the customer's month so far.
        deductions: what debts take before energy; a function is given the money that is left
            after fees, in minor units, and must not take more.

    Returns:
        Calculation: `issued_wh` is 0 if nothing is left for energy.

    Raises:
        ValueError: the deductions take more than there is.
        InvalidTariff: energy would be free without end, or cost less than nothing.
        AttributeMissing: the tariff asks for something about the customer that is not known.
    """
    if tender_minor <= 0:
        raise ValueError("a tender is more than nothing")
    context = lifeline.looked_at(tariff, context)
    if tariff.lifeline is None or not lifeline.holds(tariff, context):
        return _price(tender_minor, tariff, context, deductions, lifeline_holds=False)
    small = _price(tender_minor, tariff, context, deductions, lifeline_holds=True)
    if not small.carried_minor:
        return small
    large = _price(tender_minor, tariff, context, deductions, lifeline_holds=False)
    limit_wh = Fraction(tariff.lifeline.limit_kwh) * _WH_PER_KWH
    # Between the two prices there is money that passes the limit at the lower one only: it buys
    # up to the limit, and the rest is kept for the next purchase. So is money that would pay only
    # a part of what passing it costs: it buys nothing.
    return large if context.bought_wh + large.exact_wh > limit_wh else small


def due_for_earlier_energy(*, tariff: TariffRules, context: PurchaseContext) -> int:
    """Return what a purchase pays, before more energy, for energy sold at a lower price.

    Args:
        tariff: the rules in force.
        context: the customer's month so far, at the limit if it was not passed yet.

    Returns:
        Minor units, rounded up, with the levies and taxes on it; 0 if nothing is due.
    """
    context = lifeline.looked_at(tariff, context)
    due = Fraction(lifeline.due_for_earlier(tariff, context, lifeline_holds=False))
    return to_whole(due * _with_percentages(tariff, context), CEIL)


def least_tender(
    *,
    energy_wh: int,
    tariff: TariffRules,
    context: PurchaseContext = _NO_CONTEXT,
    deductions_of: Callable[[int], Deductions] = lambda _: (),
    largest_tender_minor: int = 10**13,
) -> int | None:
    """Return the least money that buys an amount of energy: the price of so many kWh.

    Args:
        energy_wh: wanted, > 0; as the tariff issues it.
        tariff: the rules in force.
        context: the customer's month so far.
        deductions_of: returns, for a tender, what `price` is given as deductions.
        largest_tender_minor: where to stop looking.

    Returns:
        Minor currency units; None if no such money buys it.
    """
    # More money never buys less, but for duties that begin at a tender: between them, halve. (Fees
    # are paid in whole coins: with one more, its tax can take a part of a coin from the energy.
    # What is found buys the energy all the same, and a coin less does not.)
    duties = {
        tariff.minor(c.from_tender)
        for c in tariff.components
        if isinstance(c, kinds.TenderDuty) and tariff.minor(c.from_tender) > 1
    }
    begins = [1, *sorted(duties)]
    ends = [*(begin - 1 for begin in begins[1:]), largest_tender_minor]
    for low, high in zip(begins, ends, strict=True):
        if high < low:
            continue

        def enough(tender_minor: int) -> bool:
            done = price(
                tender_minor=tender_minor,
                tariff=tariff,
                context=context,
                deductions=deductions_of(tender_minor),
            )
            return done.issued_wh >= energy_wh

        if not enough(high):
            continue
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle + 1, high)
        return low
    return None


def _price(
    tender_minor: int,
    tariff: TariffRules,
    context: PurchaseContext,
    deductions: Deductions,
    *,
    lifeline_holds: bool,
) -> Calculation:
    policy = tariff.rounding
    money = tender_minor + context.carried_minor
    charges = charges_before_energy(money, tariff, context, lifeline_holds=lifeline_holds)
    due_minor = lifeline.due_for_earlier(tariff, context, lifeline_holds=lifeline_holds)
    repriced_minor = _reprice(money, charges, tariff, context, due_minor)
    owed_minor = due_minor - repriced_minor
    left = money - charges.total()
    taken = _deducted(deductions, to_whole(left, FLOOR))
    deducted_minor = sum(each.amount_minor for each in taken)
    left -= deducted_minor

    # Who owes for energy buys no more: parts of a coin that the taxes left over would.
    steps = () if owed_minor else energy_steps(tariff, context, lifeline_holds=lifeline_holds)
    pieces = segments(tariff, context, steps, charges.per_kwh_due)
    exact_kwh, unspent = spend(left, pieces) if pieces else (Fraction(0), left)
    printed_kwh = to_step(exact_kwh, policy.kwh_step, policy.kwh_mode)
    basis_kwh = printed_kwh if policy.lines_from == rules.ROUNDED_KWH else exact_kwh
    energy_kwh = exact_kwh if policy.lines_from == rules.EXACT_KWH else printed_kwh
    amounts = dict(charges.amounts)
    for name, amount in amounts_at(basis_kwh, pieces).items():
        amounts[name] = amounts.get(name, Fraction(0)) + amount
    carried_minor = to_whole(unspent, FLOOR)
    bill = Bill(
        tariff=tariff,
        context=context,
        charges=charges,
        steps=steps,
        parts=split(
            steps, Fraction(context.bought_wh, _WH_PER_KWH), energy_kwh, 10**tariff.minor_digits
        ),
        amounts=amounts,
        payable_minor=money - deducted_minor - carried_minor,
        repriced_minor=repriced_minor,
        owed_minor=owed_minor,
    )
    whole = rounded(bill)
    if policy.lines_from == rules.MONEY_FIRST and tariff.energy is not None:
        exact_kwh = sum((part.kwh for part in whole.parts), Fraction(0))
        printed_kwh = to_step(exact_kwh, policy.kwh_step, policy.kwh_mode)
    exact_wh = exact_kwh * _WH_PER_KWH
    issued_wh = int(printed_kwh * _WH_PER_KWH)
    after, owed_after_minor = lifeline.after(
        tariff, context, issued_wh, owed_minor, lifeline_holds=lifeline_holds
    )
    bill.due_next_minor = owed_after_minor - owed_minor
    return Calculation(
        lines=lines_of(bill, whole, deductions=taken, carried_minor=carried_minor),
        exact_wh=exact_wh,
        sold_wh=int(exact_wh),
        issued_wh=issued_wh,
        energy_money=left,
        amounts=amounts,
        fees=_fees_after(charges, whole.others_minor),
        carried_minor=carried_minor,
        lifeline=after,
        lifeline_owed_minor=owed_after_minor,
        repriced_minor=repriced_minor,
    )


def _reprice(
    money: int, charges: Charges, tariff: TariffRules, context: PurchaseContext, due_minor: int
) -> int:
    """Charge what is due for energy that was cheaper, as far as the money goes."""
    if tariff.energy is None or due_minor <= 0:
        return 0
    affordable = to_whole((money - charges.total()) / _with_percentages(tariff, context), FLOOR)
    taken = max(0, min(due_minor, affordable))
    charges.amounts[tariff.energy.name] = Fraction(taken)
    add_percentages(charges.amounts, tariff.components, context)
    return taken


def _with_percentages(tariff: TariffRules, context: PurchaseContext) -> Fraction:
    """Return what a coin for energy comes to with the levies and taxes on it."""
    unit = {tariff.energy.name: Fraction(1)} if tariff.energy else {}
    return 1 + percentages_on(unit, tariff, context)


def _fees_after(charges: Charges, lines_minor: Mapping[str, int]) -> dict[str, FeeOutcome]:
    """Return what became of each fee; those collected with the energy are known by now."""
    return {
        name: replace(fee, taken_minor=min(fee.due_minor, lines_minor.get(name, 0)))
        if name in charges.per_kwh_due
        else fee
        for name, fee in charges.fees.items()
    }


def _deducted(deductions: Deductions, available_minor: int) -> Sequence[Deduction]:
    taken = deductions(available_minor) if callable(deductions) else deductions
    total = sum(each.amount_minor for each in taken)
    if total > available_minor or any(each.amount_minor <= 0 for each in taken):
        raise ValueError(f"deductions of {total} do not fit into {available_minor}")
    return taken
