"""The kinds of component that a tariff is made of. Amounts are decimals, in major units."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

TENDER = "tender"
TENDER_NET = "tender net of purchase fees"

CALENDAR_MONTH = "calendar_month"
ROLLING_DAYS = "rolling_days"
EACH_PURCHASE = "purchase"
WINDOWS = (CALENDAR_MONTH, ROLLING_DAYS, EACH_PURCHASE)

AVERAGE_USE = "average_use"
CONNECTION_VA = "connection_va"

MONTH, DAY = "month", "day"
NOW, NEXT_PURCHASE = "now", "next_purchase"


@dataclass(frozen=True)
class Step:
    """A rate up to a limit; the last step of a list may have none."""

    upto: Decimal | None
    rate: Decimal


@dataclass(frozen=True)
class Energy:
    """Energy by steps. Limits count what was issued in the window, this purchase included."""

    kind: ClassVar[str] = "energy"
    name: str
    steps: tuple[Step, ...]
    window: str = CALENDAR_MONTH
    window_days: int = 30  # of a rolling window
    limits_accumulate: bool = False  # over months without a purchase
    free_units_count: bool = True  # what was given free counts in limits as what was bought


@dataclass(frozen=True)
class EnergyByBand:
    """One rate for every kWh, chosen by the customer's average use or connection size."""

    kind: ClassVar[str] = "energy_by_band"
    name: str
    by: str
    bands: tuple[Step, ...]  # limits in kWh a month, or in VA; a limit belongs to its band
    months: int = 3  # that the average is taken over


@dataclass(frozen=True)
class Lifeline:
    """A lower price while the month stays within a limit; beyond it everything is repriced."""

    kind: ClassVar[str] = "lifeline"
    name: str
    limit_kwh: Decimal
    rate: Decimal
    recover: str = NOW  # when units sold earlier at this price are repriced


@dataclass(frozen=True)
class PerKwhLevy:
    """A levy on each kWh; may be negative."""

    kind: ClassVar[str] = "per_kwh_levy"
    name: str
    rate: Decimal


@dataclass(frozen=True)
class PercentLevy:
    """A levy as a percentage of named lines or of the tender; it may depend on connection size."""

    kind: ClassVar[str] = "percent_levy"
    name: str
    percent: Decimal
    on: tuple[str, ...]
    by_connection_va: tuple[Step, ...] = ()  # percentages that replace `percent`


@dataclass(frozen=True)
class Rebate:
    """A percentage of named lines that is given back."""

    kind: ClassVar[str] = "rebate"
    name: str
    percent: Decimal
    on: tuple[str, ...]


@dataclass(frozen=True)
class Tax:
    """A tax on named lines; energy can be left out up to an amount of the month."""

    kind: ClassVar[str] = "tax"
    name: str
    percent: Decimal
    on: tuple[str, ...]
    inclusive: bool = False  # the prices of those lines contain it
    energy_above_kwh: Decimal | None = None


@dataclass(frozen=True)
class PeriodicFee:
    """A fee per month or day, charged with the first purchase of the period."""

    kind: ClassVar[str] = "periodic_fee"
    name: str
    amount: Decimal
    period: str = MONTH
    per_kva: bool = False  # of the connection
    accumulates: bool = True  # periods without a purchase are charged later
    max_periods: int | None = None  # at once
    lifeline_amount: Decimal | None = None  # while a lifeline holds
    collected_per_kwh: Decimal | None = None  # until paid, instead of at once


@dataclass(frozen=True)
class PurchaseFee:
    """A fee for each purchase."""

    kind: ClassVar[str] = "purchase_fee"
    name: str
    amount: Decimal


@dataclass(frozen=True)
class TenderDuty:
    """A duty on purchases from a certain tender on: an amount, a percentage of it, or both."""

    kind: ClassVar[str] = "tender_duty"
    name: str
    from_tender: Decimal
    amount: Decimal = Decimal(0)
    percent: Decimal = Decimal(0)


Component = (
    Energy
    | EnergyByBand
    | Lifeline
    | PerKwhLevy
    | PercentLevy
    | Rebate
    | Tax
    | PeriodicFee
    | PurchaseFee
    | TenderDuty
)
KINDS: dict[str, type[Component]] = {
    each.kind: each
    for each in (
        Energy,
        EnergyByBand,
        Lifeline,
        PerKwhLevy,
        PercentLevy,
        Rebate,
        Tax,
        PeriodicFee,
        PurchaseFee,
        TenderDuty,
    )
}
ENERGY_KINDS = (Energy, EnergyByBand)
PERCENT_KINDS = (PercentLevy, Rebate, Tax)
