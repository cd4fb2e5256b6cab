"""Calculates the settlement of a closed account. Pure; the lines add up to zero.

An amount is positive in the customer's favour, and the ledger is given the very same: what is
returned is debited, what is paid off is credited. The last line takes up what the others leave:
a refund to the customer, or what they still owe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from headend.design import figures
from headend.ledger import chart
from headend.supply.models import SettlementLine
from headend.supply.valuation import Price, Worth, worth

Kind = SettlementLine.Kind


@dataclass(frozen=True)
class Line:
    """One line of a settlement, as `models.SettlementLine` keeps it."""

    kind: str
    description: str
    amount_minor: int
    account: str
    explanation: str = ""
    energy_wh: int | None = None


@dataclass(frozen=True)
class Due:
    """A periodic fee, energy to be paid in full, or the tax on them, due up to the closing."""

    title: str
    amount_minor: int  # > 0
    account: str
    explanation: str = ""
    is_repricing: bool = False  # of energy that was sold at a lower price


@dataclass(frozen=True)
class Owed:
    """A debt that the settlement may pay off."""

    title: str
    balance_minor: int  # > 0
    account: str
    priority: int = 1


@dataclass(frozen=True)
class Replaced:
    """A meter that was replaced and whose credit was never moved to the one that followed."""

    meter: str
    credit_wh: int  # below zero: used on credit


@dataclass(frozen=True)
class Reckoning:
    """The lines, and who owes whom in the end; one of the two amounts is 0."""

    lines: tuple[Line, ...]
    refund_minor: int
    owed_minor: int


def reckon(
    *,
    credit_wh: int,
    price: Price,
    price_told: str,
    carried_minor: int,
    dues: Sequence[Due],
    debts: Sequence[Owed],
    replaced: Sequence[Replaced] = (),
    free_wh: int = 0,
) -> Reckoning:
    """Settle an account.

    Fees are charged whatever is left; debts are paid off by priority as far as the money goes,
    and what is not paid of them stays owed where it was.

    Args:
        credit_wh: left on the meter; below zero: used on credit.
        price: what a kWh of it is worth.
        price_told: the price in words.
        carried_minor: left unspent by the last purchase.
        dues: fees up to the closing.
        debts: which ones, in any order.
        replaced: meters whose credit is still to be moved; it is settled instead.
        free_wh: so much of all that credit was given without a price; it is worth nothing.
    """
    why = f"{price_told}, {price.why}"
    free_here_wh = min(free_wh, max(credit_wh, 0))
    paid_wh = credit_wh - free_here_wh
    lines = [*credit_lines(paid_wh, worth(paid_wh, price), why), *_free_line(free_here_wh)]
    free_wh -= free_here_wh
    for one in replaced:
        free_there_wh = min(free_wh, max(one.credit_wh, 0))
        lines += _replaced_lines(one, one.credit_wh - free_there_wh, price, why)
        free_wh -= free_there_wh
    if carried_minor:
        lines.append(Line(Kind.CARRIED, "Left by the last purchase", carried_minor, chart.CARRIED))
    lines += [
        Line(Kind.FEE, due.title, -due.amount_minor, due.account, due.explanation) for due in dues
    ]
    left_minor = sum(line.amount_minor for line in lines)
    for debt in sorted(debts, key=lambda one: one.priority):
        paid_minor = min(debt.balance_minor, max(left_minor, 0))
        if paid_minor:
            lines.append(Line(Kind.DEBT, debt.title, -paid_minor, debt.account))
            left_minor -= paid_minor
    if left_minor > 0:
        lines.append(Line(Kind.REFUND, "Refund to the customer", -left_minor, chart.REFUNDS))
    elif left_minor < 0:
        lines.append(Line(Kind.OWED, "Owed by the customer", -left_minor, chart.CLOSINGS))
    return Reckoning(tuple(lines), max(left_minor, 0), max(-left_minor, 0))


def _free_line(free_wh: int) -> list[Line]:
    if not free_wh:
        return []
    told = f"Free electricity in it, {figures.kwh(free_wh)} kWh"
    why = "given without a price, so nothing is given back"
    return [Line(Kind.CREDIT, told, 0, chart.RETURNED_ENERGY, why, free_wh)]


def _replaced_lines(one: Replaced, paid_wh: int, price: Price, why: str) -> list[Line]:
    lines = credit_lines(paid_wh, worth(paid_wh, price), why)
    of = f", replaced meter {one.meter}"
    return [
        replace(line, kind=Kind.REPLACED, description=f"{line.description}{of}") for line in lines
    ]


def credit_lines(credit_wh: int, value: Worth, why: str) -> list[Line]:
    """Return the lines of a meter's credit: the energy, and the taxes in its price."""
    title = "Remaining credit" if credit_wh >= 0 else "Energy used on credit"
    lines = [
        Line(
            Kind.CREDIT,
            f"{title}, {figures.kwh(abs(credit_wh))} kWh",
            value.net_minor,
            chart.RETURNED_ENERGY,
            why,
            credit_wh,
        )
    ]
    return lines + [
        Line(Kind.TAX, f"{name} in it", minor, account)
        for name, account, minor in value.taxes
        if minor
    ]
