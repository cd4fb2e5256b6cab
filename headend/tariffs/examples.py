"""Ready-made tariffs to begin a draft with; amounts are for a currency with two decimals."""

from __future__ import annotations

from decimal import Decimal

from headend.tariffs import components as kinds
from headend.tariffs import rules
from headend.tariffs.components import (
    Component,
    Energy,
    EnergyByBand,
    Lifeline,
    PercentLevy,
    PeriodicFee,
    PerKwhLevy,
    PurchaseFee,
    Step,
    Tax,
    TenderDuty,
)
from headend.tariffs.rules import FeeRecovery, Rounding, TariffRules

D = Decimal
_PRINTED = Rounding(lines_from=rules.ROUNDED_KWH)


def _steps(*pairs: tuple[str | None, str]) -> tuple[Step, ...]:
    return tuple(Step(None if upto is None else D(upto), D(rate)) for upto, rate in pairs)


def _of(*parts: Component, rounding: Rounding = _PRINTED, share: int = 100) -> TariffRules:
    return TariffRules(parts, rounding, FeeRecovery(D(share)))


EXAMPLES: dict[str, tuple[str, TariffRules]] = {
    "flat": (
        "One price and VAT",
        rules.flat(price_minor_per_kwh=D(250), tax_percent=D(15)),
    ),
    "steps": (
        "Three steps in the month, VAT on everything",
        _of(
            Energy("Energy", _steps(("50", "1.20"), ("350", "2.10"), (None, "2.60"))),
            Tax("VAT", D(15), ("Energy",)),
        ),
    ),
    "free-step": (
        "First kWh free, monthly fee, VAT on energy above a limit",
        _of(
            PeriodicFee("Service charge", D("15.00")),
            Energy("Energy", _steps(("20", "0"), ("150", "1.80"), (None, "2.40"))),
            Tax("VAT", D(18), ("Energy",), energy_above_kwh=D(250)),
        ),
    ),
    "levies": (
        "One price with many levies; what rounding leaves goes to energy",
        _of(
            EnergyByBand(
                "Energy",
                kinds.AVERAGE_USE,
                _steps(("30", "12.23"), ("100", "16.54"), (None, "20.97")),
            ),
            PerKwhLevy("Fuel", D("3.4500")),
            PerKwhLevy("Foreign exchange", D("1.4829")),
            PerKwhLevy("Water", D("0.0120")),
            PercentLevy("Rural electrification", D(5), ("Energy",)),
            Tax("VAT", D(16), ("Energy", "Fuel")),
            rounding=Rounding(
                kwh_step=D("0.01"), kwh_mode="half_up", money_mode="floor", residual_to="Energy"
            ),
        ),
    ),
    "fee-in-parts": (
        "Monthly fee that takes at most half of a purchase",
        _of(
            PeriodicFee("Service and capacity", D("200.00")),
            Energy("Energy", _steps(("350", "2.10"), (None, "2.40"))),
            Tax("VAT", D(15), ("Service and capacity", "Energy")),
            share=50,
        ),
    ),
    "missed-months": (
        "Fee and step limits that count months without a purchase",
        _of(
            PeriodicFee("Service fee", D("33.60"), max_periods=6),
            Energy("Energy", _steps(("15", "2.50"), (None, "7.51")), limits_accumulate=True),
            Tax("VAT", D(18), ("Service fee", "Energy")),
            rounding=Rounding(lines_from=rules.MONEY_FIRST),
        ),
    ),
    "lifeline": (
        "Lower price for small users; passing the limit reprices the month",
        _of(
            PeriodicFee("Service charge", D("10.73"), lifeline_amount=D("2.13")),
            Energy("Energy", _steps(("300", "1.30"), (None, "1.70"))),
            Lifeline("Lifeline", D(30), D("0.68")),
        ),
    ),
    "connection": (
        "By the size of the connection, with a fee for each purchase and a duty",
        _of(
            PurchaseFee("Administration", D("2.50")),
            TenderDuty("Stamp duty", from_tender=D(5000), amount=D("10.00")),
            PeriodicFee("Capacity", D("6.00"), per_kva=True),
            EnergyByBand("Energy", kinds.CONNECTION_VA, _steps(("900", "1.35"), (None, "1.44"))),
            PercentLevy(
                "Town levy",
                D(0),
                ("Energy",),
                by_connection_va=_steps(("900", "2.4"), ("2200", "3"), (None, "4")),
            ),
        ),
    ),
}
