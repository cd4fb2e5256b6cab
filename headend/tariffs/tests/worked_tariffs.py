"""The tariffs of the worked cases as components, and what each line's other figure means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from headend.tariffs import rules
from headend.tariffs.components import (
    AVERAGE_USE,
    TENDER,
    Component,
    Energy,
    EnergyByBand,
    Lifeline,
    PercentLevy,
    PeriodicFee,
    PerKwhLevy,
    PurchaseFee,
    Rebate,
    Step,
    Tax,
    TenderDuty,
)
from headend.tariffs.context import FeeDue, PurchaseContext
from headend.tariffs.rules import FeeRecovery, Rounding, TariffRules

D = Decimal
_PRINTED = Rounding(lines_from=rules.ROUNDED_KWH)
_HUNDREDTHS = D("0.01")


@dataclass(frozen=True)
class Worked:
    """A tariff, and the context that a figure beside the tender stands for."""

    tariff: TariffRules
    context: Callable[[int], PurchaseContext] = lambda _: PurchaseContext()


def steps(*pairs: tuple[str | None, str]) -> tuple[Step, ...]:
    """Return steps from pairs of limit and rate."""
    return tuple(Step(None if upto is None else D(upto), D(rate)) for upto, rate in pairs)


def rate(text: str) -> Energy:
    """Return energy at one rate."""
    return Energy("Energy", steps((None, text)))


def _tariff(*parts: Component, rounding: Rounding = _PRINTED, share: int = 100) -> TariffRules:
    return TariffRules(parts, rounding, FeeRecovery(D(share)))


def _fee(months: int) -> PurchaseContext:
    return PurchaseContext(fees={"Fee": FeeDue(periods=months)})


WORKED = {
    "Flat": Worked(rules.flat(price_minor_per_kwh=D(250), tax_percent=D(15))),
    "Three steps": Worked(
        _tariff(Energy("Energy", steps(("50", "1.20"), ("200", "1.80"), (None, "2.60"))))
    ),
    "Declining steps": Worked(
        _tariff(
            Energy("Energy", steps(("80", "3.00"), ("150", "2.00"), (None, "2.50"))),
            Tax("VAT", D(18), ("Energy",)),
        )
    ),
    "Free first step": Worked(
        _tariff(
            Energy("Energy", steps(("20", "0"), (None, "2.40"))), PerKwhLevy("Levy", D("0.05"))
        )
    ),
    "Levy on levy": Worked(
        _tariff(
            rate("0.89"),
            PercentLevy("Excise", D(3), ("Energy",)),
            PercentLevy("Road", D(2), ("Energy", "Excise")),
            Tax("VAT", D(16), ("Energy", "Excise", "Road")),
        )
    ),
    "Fee and VAT first": Worked(
        _tariff(
            PeriodicFee("Fee", D("2.48")),
            rate("0.24"),
            Tax("VAT", D(10), ("Fee", "Energy")),
            rounding=Rounding(_HUNDREDTHS, lines_from=rules.MONEY_FIRST),
        ),
        _fee,
    ),
    "Capped fee": Worked(_tariff(PeriodicFee("Fee", D(200)), rate("2.00"), share=50), _fee),
    "Fee a purchase": Worked(
        _tariff(
            PurchaseFee("Admin", D("2.50")),
            TenderDuty("Duty", from_tender=D(1000), amount=D(5)),
            rate("1.44"),
            PercentLevy("Local levy", D(10), ("Energy",)),
            rounding=Rounding(
                lines_from=rules.MONEY_FIRST, money_mode="floor", residual_to="Local levy"
            ),
        )
    ),
    "Tax above a limit": Worked(
        _tariff(rate("1.00"), Tax("VAT", D(20), ("Energy",), energy_above_kwh=D(250)))
    ),
    "Lifeline": Worked(_tariff(rate("1.30"), Lifeline("Small users", D(30), D("0.60")))),
    "Rebate and refund": Worked(
        _tariff(
            rate("3.00"),
            PerKwhLevy("Fuel", D("-0.12")),
            Rebate("Rebate", D("0.5"), ("Energy",)),
        )
    ),
    "Bands": Worked(
        _tariff(
            EnergyByBand(
                "Energy", AVERAGE_USE, steps(("30", "1.25"), ("100", "1.60"), (None, "2.00"))
            )
        ),
        lambda average: PurchaseContext(average_kwh=Fraction(average)),
    ),
    "Limits that add up": Worked(
        _tariff(
            PeriodicFee("Fee", D("3.36")),
            Energy("Energy", steps(("15", "0.25"), (None, "0.75")), limits_accumulate=True),
        ),
        lambda months: PurchaseContext(fees={"Fee": FeeDue(months)}, limit_periods=months),
    ),
    "Levy on the tender": Worked(
        _tariff(
            PercentLevy("Tender levy", D(5), (TENDER,)),
            rate("0.7192"),
            rounding=Rounding(_HUNDREDTHS, lines_from=rules.ROUNDED_KWH),
        )
    ),
    "VAT in the price": Worked(
        _tariff(rate("2.30"), Tax("VAT", D(15), ("Energy",), inclusive=True))
    ),
    "By connection": Worked(
        _tariff(
            PeriodicFee("Capacity", D("6.00"), per_kva=True),
            rate("1.10"),
            PercentLevy(
                "Town",
                D(0),
                ("Energy",),
                by_connection_va=steps(("900", "2.4"), ("2200", "3"), (None, "4")),
            ),
        ),
        lambda va: PurchaseContext(fees={"Capacity": FeeDue(1)}, connection_va=va),
    ),
}
