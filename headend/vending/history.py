"""What a price depends on besides the money: what the agreement's past sales say.

Nothing is kept beside the sales: each one holds, in its calculation, what it left behind (fees
charged up to when, what stays owed), and the next one reads the last. Energy counts as issued when
it was sold, given free (unless the tariff says otherwise), or issued by the system that the
agreement was taken over from. A reversed sale no longer counts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils import timezone

from headend.config import prepared, statements
from headend.config.exact import Fraction
from headend.customers.models import SupplyAgreement
from headend.tariffs import components as kinds
from headend.tariffs.context import OPEN, FeeDue, PurchaseContext
from headend.tariffs.models import TariffVersion
from headend.tariffs.pricing import Calculation
from headend.tariffs.rules import ALWAYS, TariffRules

_MONTHS_PER_YEAR = 12
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Circumstances:
    """One purchase's context, and what its sale has to record for the next one."""

    context: PurchaseContext
    before: dict[str, Any]  # the state that the last sale left
    rules: TariffRules
    at: datetime

    def state_after(self, done: Calculation) -> dict[str, Any]:
        """Return what the next sale must know; empty if that is nothing."""
        fees = dict(self.before.get("fees", {}))
        for fee in self.rules.periodic_fees:
            told = fees.get(fee.name, {}).get("through")
            fees[fee.name] = {
                "through": _later(fee.period, told, _period(fee.period, self.at)),
                "owed_minor": done.fees[fee.name].owed_minor,
            }
        state: dict[str, Any] = {"fees": fees} if fees else {}
        if done.carried_minor:
            state["carried_minor"] = done.carried_minor
        if self.rules.lifeline is not None or done.lifeline_owed_minor:
            kept: dict[str, Any] = {"month": _month(self.at), "is": done.lifeline}
            if done.lifeline_owed_minor:
                kept["owed_minor"] = done.lifeline_owed_minor
            if self.context.full_price_wh:
                kept["full_price_wh"] = self.context.full_price_wh
            state["lifeline"] = kept
        if _accumulates(self.rules):
            told = self.before.get("limits", {}).get("month")
            month = _later(kinds.MONTH, told, _month(self.at))
            state["limits"] = {"month": month, "periods": self.context.limit_periods}
        return state


def circumstances(
    agreement: SupplyAgreement, version: TariffVersion, rules: TariffRules, *, at: datetime
) -> Circumstances:
    """Read what an agreement's past sales mean for the next one.

    Months and days are those of the utility's time zone.

    Args:
        agreement: whose sales.
        version: the tariff version in force.
        rules: what it says.
        at: the time of sale.
    """
    before = last_state(agreement)
    issued = _bought(agreement, rules, at)
    context = PurchaseContext(
        bought_wh=issued.all_wh,
        free_wh=issued.free_wh,
        full_price_wh=_full_price_wh(rules, before, issued, at),
        fees={
            fee.name: _fee_due(fee, agreement, version, rules, before, at)
            for fee in rules.periodic_fees
        },
        average_kwh=_average_kwh(agreement, rules, at),
        connection_va=agreement.connection_va,
        limit_periods=_limit_periods(agreement, version, rules, before, at),
        lifeline=_lifeline(before, at),
        bought_this_month=before.get("lifeline", {}).get("month") == _month(at),
        lifeline_owed_minor=before.get("lifeline", {}).get("owed_minor", 0),
        carried_minor=before.get("carried_minor", 0),
    )
    return Circumstances(context, before, rules, at)


def state_at_take_over(rules: TariffRules, *, at: datetime) -> dict[str, Any]:
    """Return what tells the first sale that all fees up to a take-over were charged before it.

    Args:
        rules: of the tariff in force then.
        at: the last instant whose month and day are charged.
    """
    state: dict[str, Any] = {}
    if rules.periodic_fees:
        state["fees"] = {
            fee.name: {"through": _period(fee.period, at), "owed_minor": 0}
            for fee in rules.periodic_fees
        }
    if _accumulates(rules):
        state["limits"] = {"month": _month(at), "periods": 1}
    return state


def month_start(at: datetime) -> datetime:
    """Return the beginning of an instant's month in the utility's time zone."""
    return timezone.localtime(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)


def last_state(agreement: SupplyAgreement) -> dict[str, Any]:
    """Return what the last sale under an agreement recorded for the next; empty without one."""
    both = (agreement.pk, agreement.pk)
    ((calculation, taken_over),) = prepared.rows(statements.LAST_STATE, *both)
    found = json.loads(calculation).get("state") if calculation else json.loads(taken_over or "{}")
    return dict(found or {})


@dataclass(frozen=True)
class _Issued:
    """Energy of a time: sold, given, and taken over from another system."""

    all_wh: int = 0
    free_wh: int = 0
    sold_wh: int = 0  # not reversed


def _bought(agreement: SupplyAgreement, rules: TariffRules, at: datetime) -> _Issued:
    """Return what the tariff counts as issued in its window."""
    energy = rules.energy
    asks_for_it = rules.lifeline is not None or any(
        isinstance(c, kinds.Tax) and c.energy_above_kwh is not None for c in rules.components
    )
    begins = month_start(at)
    if isinstance(energy, kinds.Energy):
        asks_for_it = asks_for_it or len(energy.steps) > 1 or energy.steps[0].upto is not None
        if energy.window == kinds.EACH_PURCHASE:
            return _Issued()
        if energy.window == kinds.ROLLING_DAYS:
            begins = at - timedelta(days=energy.window_days)
    if not asks_for_it:
        return _Issued()
    return _issued(agreement, begins, None, free=rules.free_units_count)


def _issued(
    agreement: SupplyAgreement, begins: datetime, ends: datetime | None, *, free: bool
) -> _Issued:
    """Return what was issued in a time; nothing is free in it if free units are not to count."""
    period = (agreement.pk, begins, ends or _NEVER)
    ((sold_wh, opening_wh, given_wh),) = prepared.rows(statements.ISSUED, *period * 3)
    free_wh = int(given_wh or 0) if free else 0
    sold_wh = int(sold_wh or 0)
    return _Issued(sold_wh + int(opening_wh or 0) + free_wh, free_wh, sold_wh)


def _average_kwh(agreement: SupplyAgreement, rules: TariffRules, at: datetime) -> Fraction:
    energy = rules.energy
    if not isinstance(energy, kinds.EnergyByBand) or energy.by != kinds.AVERAGE_USE:
        return Fraction(0)
    ends = month_start(at)
    months = min(energy.months, _month_number(at) - _month_number(agreement.started_at))
    if months <= 0:
        return Fraction(0)
    begins = _month_start_before(ends, months)
    issued = _issued(agreement, begins, ends, free=rules.free_units_count)
    return Fraction(issued.all_wh, 1000 * months)


def _month_start_before(begins: datetime, months: int) -> datetime:
    for _ in range(months):
        begins = month_start(begins - timedelta(days=1))
    return begins


def _fee_due(
    fee: kinds.PeriodicFee,
    agreement: SupplyAgreement,
    version: TariffVersion,
    rules: TariffRules,
    before: dict[str, Any],
    at: datetime,
) -> FeeDue:
    told = before.get("fees", {}).get(fee.name)
    if told is None:
        since = max(agreement.started_at, version.valid_from)
        return FeeDue(max(0, _number(fee.period, at) - _number(fee.period, since) + 1))
    periods = max(0, _number(fee.period, at) - _told_number(fee.period, told["through"]))
    keeps = rules.fee_recovery.carry == ALWAYS or periods == 0
    return FeeDue(periods, told["owed_minor"] if keeps else 0)


def _limit_periods(
    agreement: SupplyAgreement,
    version: TariffVersion,
    rules: TariffRules,
    before: dict[str, Any],
    at: datetime,
) -> int:
    if not _accumulates(rules):
        return 1
    told = before.get("limits")
    if told is None:
        since = max(agreement.started_at, version.valid_from)
        return max(1, _month_number(at) - _month_number(since) + 1)
    passed = _month_number(at) - _told_number(kinds.MONTH, told["month"])
    return int(told["periods"]) if passed <= 0 else passed


def _accumulates(rules: TariffRules) -> bool:
    return isinstance(rules.energy, kinds.Energy) and rules.energy.limits_accumulate


def _full_price_wh(
    rules: TariffRules, before: dict[str, Any], issued: _Issued, at: datetime
) -> int:
    """Return what the month's versions before the first one with a lower price sold."""
    if rules.lifeline is None:
        return 0
    told = before.get("lifeline", {})
    if told.get("month") == _month(at):
        return int(told.get("full_price_wh", 0))
    return issued.sold_wh


def _lifeline(before: dict[str, Any], at: datetime) -> str:
    told = before.get("lifeline")
    return told["is"] if told and told["month"] == _month(at) else OPEN


def _month(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m")


def _period(period: str, at: datetime) -> str:
    return _month(at) if period == kinds.MONTH else timezone.localtime(at).date().isoformat()


def _number(period: str, at: datetime) -> int:
    return _told_number(period, _period(period, at))


def _month_number(at: datetime) -> int:
    return _told_number(kinds.MONTH, _month(at))


def _later(period: str, told: str | None, now: str) -> str:
    """Return the later of two periods: what was charged stays so if the clock is set back."""
    if told is not None and _told_number(period, told) > _told_number(period, now):
        return told
    return now


def _told_number(period: str, told: str) -> int:
    """Return the running number of a period, so that periods can be counted.

    A day told where a month is asked for (the fee's period was changed) counts as its month; a
    month told where a day is asked for counts as its last day.
    """
    year, month, *day = (int(part) for part in told.split("-"))
    if period == kinds.MONTH:
        return year * _MONTHS_PER_YEAR + month
    if day:
        return date(year, month, day[0]).toordinal()
    return date(year + month // _MONTHS_PER_YEAR, month % _MONTHS_PER_YEAR + 1, 1).toordinal() - 1
