"""What a tender would buy: the common first half of trial vend and vend. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from headend.currencies import words
from headend.currencies.conversion import Conversion
from headend.customers.models import SupplyAgreement
from headend.meters.models import Meter
from headend.tariffs import lines, pricing
from headend.tariffs.context import PurchaseContext
from headend.tariffs.models import TariffVersion
from headend.tariffs.queries import rules_of, version_in_force
from headend.tariffs.rules import TariffRules
from headend.vending.collection import money
from headend.vending.errors import (
    InvalidTender,
    MeterNotInstalled,
    TenderTooLarge,
    TenderTooSmall,
)
from headend.vending.history import Circumstances, circumstances
from shared.sts import amount

WH_PER_TOKEN_UNIT = 100  # a transfer-credit token counts in 0.1 kWh
LARGEST_TENDER_MINOR = 10**13


@dataclass(frozen=True)
class Quote:
    """The full price of a tender: nothing is stored of it."""

    agreement: SupplyAgreement
    tariff_version: TariffVersion
    tender_minor: int
    currency: str
    calculation: pricing.Calculation
    circumstances: Circumstances
    units: int  # of the token, 0.1 kWh
    encoded_wh: int  # what the token carries, at least `issued_wh`
    paid: Conversion | None = None  # if in another currency; the tender is its worth

    @property
    def meter(self) -> Meter:
        """The meter that the energy is for."""
        return self.agreement.meter

    @property
    def received_minor(self) -> int:
        """What is handed over, in minor units of `received_currency`."""
        return self.paid.paid_minor if self.paid else self.tender_minor

    @property
    def received_currency(self) -> str:
        """The currency of what is handed over."""
        return self.paid.currency if self.paid else self.currency

    @property
    def exchange(self) -> list[tuple[str, str]]:
        """Name and value of what is to be said of a tender in another currency."""
        return words.of(self.paid) if self.paid else []

    @property
    def lines(self) -> tuple[pricing.PriceLine, ...]:
        """The receipt's lines; they add up to the tender."""
        return self.calculation.lines

    @property
    def sold_wh(self) -> int:
        """The energy bought, rounded down to a whole Wh."""
        return self.calculation.sold_wh

    @property
    def issued_wh(self) -> int:
        """The energy as the tariff rounds it."""
        return self.calculation.issued_wh

    def explanation(self) -> dict[str, Any]:
        """Return how the price came about, exact and ready for JSON, to keep with the sale.

        The prices are those of the tariff version, which never changes. `state` is what the next
        sale of the agreement must know.
        """
        version, context = self.tariff_version, self.circumstances.context
        kept: dict[str, Any] = {
            "tariff": version.tariff.code,
            "valid_from": version.valid_from.isoformat(),
            "exact_wh": str(self.calculation.exact_wh),
            "bought_wh": context.bought_wh,
            "lines": [
                {
                    "component": line.component,
                    "explanation": line.explanation,
                    "price_minor_per_kwh": (
                        None if line.price_minor is None else str(line.price_minor)
                    ),
                    "base_minor": line.base_minor,
                }
                for line in self.lines
            ],
        }
        state = self.circumstances.state_after(self.calculation)
        return kept | {"state": state} if state else kept


def quote(
    agreement: SupplyAgreement,
    *,
    tender_minor: int,
    at: datetime,
    deductions: pricing.Deductions = (),
) -> Quote:
    """Price a tender under an agreement.

    Args:
        agreement: with its meter.
        tender_minor: money handed over, minor currency units, > 0.
        at: the time of sale; decides the tariff version.
        deductions: what debts take before energy.

    Returns:
        Quote: one without a token, if fees and debts took all of the money.

    Raises:
        InvalidTender, TenderTooSmall, TenderTooLarge: the money can't be vended.
        MeterNotInstalled: the meter is not in use.
        NoTariffInForce: the tariff says nothing about that time.
    """
    meter = agreement.meter
    if meter.status != Meter.Status.INSTALLED:
        raise MeterNotInstalled(f"meter {meter} is {meter.status}; only an installed one vends")
    if not 0 < tender_minor <= LARGEST_TENDER_MINOR:
        raise InvalidTender("a tender must be more than nothing, in whole minor currency units")
    version = version_in_force(agreement.tariff_id, at=at)
    rules = rules_of(version)
    found = circumstances(agreement, version, rules, at=at)
    calculation = pricing.price(
        tender_minor=tender_minor, tariff=rules, context=found.context, deductions=deductions
    )
    if calculation.issued_wh == 0 and not _pays_something(calculation):
        raise TenderTooSmall(_too_small(version, rules, found.context, calculation))
    wanted_units = -(-calculation.issued_wh // WH_PER_TOKEN_UNIT)
    if wanted_units > amount.MAXIMUM_UNITS:
        raise TenderTooLarge("this tender buys more than one token carries; split it")
    units = amount.decode(amount.encode(wanted_units))
    return Quote(
        agreement=agreement,
        tariff_version=version,
        tender_minor=tender_minor,
        currency=settings.BASE_CURRENCY,
        calculation=calculation,
        circumstances=found,
        units=units,
        encoded_wh=units * WH_PER_TOKEN_UNIT,
    )


def tender_for(
    agreement: SupplyAgreement,
    *,
    energy_wh: int,
    at: datetime,
    deductions_of: Callable[[int], pricing.Deductions] = lambda _: (),
) -> int:
    """Return the least money that buys an amount of energy, in minor currency units.

    Args:
        agreement: with its meter.
        energy_wh: wanted, > 0.
        at: the time of sale; decides the tariff version.
        deductions_of: what debts take of a tender before energy.

    Raises:
        InvalidTender: no money buys it, or it is no energy.
        NoTariffInForce: the tariff says nothing about that time.
    """
    version = version_in_force(agreement.tariff_id, at=at)
    rules = rules_of(version)
    found = circumstances(agreement, version, rules, at=at)
    least = None
    if energy_wh > 0:
        least = pricing.least_tender(
            energy_wh=energy_wh,
            tariff=rules,
            context=found.context,
            deductions_of=deductions_of,
            largest_tender_minor=LARGEST_TENDER_MINOR,
        )
    if least is None:
        raise InvalidTender(f"no payment buys {energy_wh / 1000:g} kWh on {version.tariff.name}")
    return least


def _pays_something(calculation: pricing.Calculation) -> bool:
    """Say whether money without energy went where it should: to what was owed already.

    That is periodic fees, debts, and energy that was sold at a lower price.
    """
    fees = any(fee.taken_minor for fee in calculation.fees.values())
    debts = any(line.kind not in lines.OF_TARIFF for line in calculation.lines)
    return fees or debts or calculation.repriced_minor > 0


def _too_small(
    version: TariffVersion,
    rules: TariffRules,
    context: PurchaseContext,
    calculation: pricing.Calculation,
) -> str:
    """Say why money buys no energy, and if it is owed for energy already used, what would."""
    due_minor = 0
    if calculation.lifeline_owed_minor or calculation.carried_minor:
        due_minor = pricing.due_for_earlier_energy(tariff=rules, context=context)
    if not due_minor:
        return (
            f"this tender buys less than {rules.rounding.kwh_step.normalize():f} kWh, the least "
            f"that {version.tariff.name} gives"
        )
    said = (
        f"this tender buys no energy: {money(due_minor)} is to be paid first for energy already "
        f"bought at the lower price of {version.tariff.name}"
    )
    step_wh = int(rules.rounding.kwh_step * 1000)
    enough = pricing.least_tender(energy_wh=step_wh, tariff=rules, context=context)
    return said if enough is None else f"{said}; {money(enough)} or more pays that and buys energy"
