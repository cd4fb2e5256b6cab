"""When a lower price for small users ends, and what is then due for energy sold at it. Pure.

The limit counts the month's energy, whether it was sold or given. What is repriced once it is
passed is what was sold at the lower price: energy given free stays free, and what an earlier
version of the tariff sold at its full price stays as it was sold.
"""

from __future__ import annotations

from dataclasses import replace

from headend.config.exact import Fraction
from headend.tariffs import components as kinds
from headend.tariffs.context import CROSSED, OPEN, SETTLED, PurchaseContext
from headend.tariffs.rules import TariffRules
from headend.tariffs.segments import repricing

_WH_PER_KWH = 1000


def looked_at(tariff: TariffRules, context: PurchaseContext) -> PurchaseContext:
    """Return the context; a lower price never held for energy sold beyond its limit."""
    if tariff.lifeline is None or context.lifeline != OPEN:
        return context
    beyond = context.bought_wh - context.never_repriced_wh > _limit_wh(tariff.lifeline)
    return replace(context, lifeline=SETTLED) if beyond else context


def holds(tariff: TariffRules, context: PurchaseContext) -> bool:
    """Say whether the next purchase pays the lower price and fees as long as it stays within."""
    lifeline = tariff.lifeline
    if lifeline is None or lifeline.recover != kinds.NOW or context.lifeline != OPEN:
        return False
    return not _is_passed(lifeline, context)


def due_for_earlier(tariff: TariffRules, context: PurchaseContext, *, lifeline_holds: bool) -> int:
    """Return what is due for energy that was cheaper when it was sold: of now and left unpaid.

    Where it is repriced with the next purchase, that is the one after the limit was passed: by a
    purchase, which leaves it owed, or by what was given since the last one.

    Args:
        tariff: its rules.
        context: as `looked_at` returns it.
        lifeline_holds: this purchase stays within the limit.

    Returns:
        Whole minor units, 0 or more, without the percentages on them.
    """
    lifeline, due_minor = tariff.lifeline, context.lifeline_owed_minor
    if lifeline is None or lifeline_holds or context.lifeline != OPEN:
        return due_minor
    if lifeline.recover != kinds.NOW and not _is_passed(lifeline, context):
        return due_minor
    return due_minor + repricing(tariff, lifeline, context, used_wh=Fraction(context.bought_wh))


def after(
    tariff: TariffRules,
    context: PurchaseContext,
    issued_wh: int,
    owed_minor: int,
    *,
    lifeline_holds: bool,
) -> tuple[str, int]:
    """Return what the next purchase finds: the state, and what it owes for earlier energy.

    Args:
        tariff: its rules.
        context: as `looked_at` returns it.
        issued_wh: by this purchase.
        owed_minor: what this purchase left unpaid of what was due for earlier energy.
        lifeline_holds: this purchase stayed within the limit.
    """
    lifeline = tariff.lifeline
    if context.lifeline == OPEN and lifeline is not None:
        # At the full price, and where what was given passed the limit, all is charged by now.
        waits = lifeline.recover == kinds.NEXT_PURCHASE and not _is_passed(lifeline, context)
        if lifeline_holds or waits:
            used_wh = Fraction(context.bought_wh + issued_wh)
            if used_wh <= _limit_wh(lifeline):
                return OPEN, owed_minor
            owed_minor += repricing(tariff, lifeline, context, used_wh=used_wh)
    elif context.lifeline == OPEN:
        return OPEN, owed_minor
    return (CROSSED if owed_minor else SETTLED), owed_minor


def _is_passed(lifeline: kinds.Lifeline, context: PurchaseContext) -> bool:
    """Say whether free energy passed the limit, which all that was sold had stayed within."""
    return context.bought_wh > _limit_wh(lifeline)


def _limit_wh(lifeline: kinds.Lifeline) -> Fraction:
    return Fraction(lifeline.limit_kwh) * _WH_PER_KWH
