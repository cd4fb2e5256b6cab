"""The value of energy left on a meter. Pure, except for reading the last purchase.

A kWh is worth what it cost in the agreement's last purchase: its energy at the average of the
steps it was bought in, the levies on each kWh, rebates and taxes. What was bought at a lower price
and is charged in full by the settlement cost the full price. Fees are not in it. A tax that
leaves out the first kWh of a month is not in it either: nobody can say whether it was paid for
these very kWh.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from headend.config.exact import Fraction
from headend.customers.models import SupplyAgreement
from headend.ledger import chart
from headend.supply.models import Rule
from headend.supply.words import price_per_kwh
from headend.tariffs import components as kinds
from headend.tariffs.charges import add_percentages
from headend.tariffs.context import PurchaseContext
from headend.tariffs.numbers import HALF_UP, to_whole
from headend.tariffs.queries import rules_of, version_in_force
from headend.tariffs.rules import TariffRules
from headend.vending.models import Sale, SaleLine

_WH_PER_KWH = 1000


@dataclass(frozen=True)
class Price:
    """What one kWh is worth, in minor units of the currency.

    Attributes:
        net: without taxes.
        taxes: each tax's share, by the account it is owed on.
        why: where the price comes from, in words.
    """

    net: Fraction
    taxes: tuple[tuple[str, str, Fraction], ...]  # name, account, minor units per kWh
    why: str

    @property
    def whole(self) -> Fraction:
        """With taxes."""
        return self.net + sum((rate for _, _, rate in self.taxes), Fraction(0))

    @property
    def told(self) -> str:
        """As people read it: ``R 2.875/kWh``."""
        return price_per_kwh(self.whole)


@dataclass(frozen=True)
class Worth:
    """What some energy is worth, in whole minor units: they add up to the whole rounded once."""

    net_minor: int
    taxes: tuple[tuple[str, str, int], ...]  # name, account, minor units

    @property
    def whole_minor(self) -> int:
        """With taxes."""
        return self.net_minor + sum(minor for _, _, minor in self.taxes)


NOTHING = Price(Fraction(0), (), "not refunded, by rule")


def worth(energy_wh: int, price: Price) -> Worth:
    """Value energy at a price; below zero it is owed for.

    Args:
        energy_wh: of either sign.
        price: of a kWh.
    """
    kwh = Fraction(energy_wh, _WH_PER_KWH)
    taxes = tuple(
        (name, account, to_whole(rate * kwh, HALF_UP)) for name, account, rate in price.taxes
    )
    whole_minor = to_whole(price.whole * kwh, HALF_UP)
    return Worth(whole_minor - sum(minor for _, _, minor in taxes), taxes)


def price_of(
    agreement: SupplyAgreement, rule: Rule, *, at: datetime, repriced: bool = False
) -> Price:
    """Return what a kWh left on an agreement's meter is worth by rule.

    Without a purchase the first step of the tariff in force counts.

    Args:
        agreement: whose.
        rule: by which it is valued.
        at: the time that it is valued for.
        repriced: what was sold at a lower price for small users is charged in full just now.

    Raises:
        NoTariffInForce: nothing was bought, and the tariff says nothing about that time.
    """
    if rule.valuation == Rule.Valuation.NOTHING:
        return NOTHING
    if rule.valuation == Rule.Valuation.FIXED:
        return Price(Fraction(rule.price_minor_per_kwh or 0), (), "the fixed price of the rule")
    bought = _last_purchase(agreement)
    if bought is not None:
        rules = rules_of(bought.tariff_version)
        rate = _average_rate(bought, rules, repriced=repriced)
        why = f"as in purchase {bought}{' at the full price' if repriced else ''}"
        return _with_everything(rate, rules, agreement, why)
    version = version_in_force(agreement.tariff_id, at=at)
    rules = rules_of(version)
    return _with_everything(
        _first_rate(rules), rules, agreement, f"first step of {version.tariff.name}: no purchase"
    )


def _last_purchase(agreement: SupplyAgreement) -> Sale | None:
    return (
        Sale.objects.standing()
        .filter(agreement_id=agreement.pk, issued_wh__gt=0)
        .select_related("tariff_version")
        .order_by("-pk")  # the one made last, whatever the clock said
        .first()
    )


def _average_rate(sale: Sale, rules: TariffRules, *, repriced: bool) -> Fraction:
    """Return the energy's own price of a kWh, averaged over the steps it was bought in."""
    lifeline = rules.lifeline if repriced else None
    kept = sale.calculation
    money, energy_wh = Fraction(0), 0
    for line in sale.lines.filter(kind=SaleLine.Kind.ENERGY):
        told = kept["lines"][line.position] if "lines" in kept else kept
        if line.energy_wh and told["price_minor_per_kwh"] is not None:
            rate = Fraction(told["price_minor_per_kwh"])
            if lifeline and rate == Fraction(lifeline.rate) * 10**rules.minor_digits:
                rate = max(rate, _first_rate(rules))
            money += rate * line.energy_wh
            energy_wh += line.energy_wh
    return money / energy_wh if energy_wh else Fraction(0)


def _first_rate(rules: TariffRules) -> Fraction:
    energy = rules.energy
    if energy is None:
        return Fraction(0)
    steps = energy.steps if isinstance(energy, kinds.Energy) else energy.bands
    return Fraction(steps[0].rate) * 10**rules.minor_digits


def _with_everything(
    rate: Fraction, rules: TariffRules, agreement: SupplyAgreement, why: str
) -> Price:
    """Add to the energy's own price of a kWh what levies, rebates and taxes put on it."""
    context = PurchaseContext(connection_va=agreement.connection_va)
    name = rules.energy.name if rules.energy else ""
    scale = 10**rules.minor_digits
    amounts = {name: rate} | {
        c.name: Fraction(c.rate) * scale
        for c in rules.components
        if isinstance(c, kinds.PerKwhLevy)
    }
    above = {
        c.name: Fraction(0)
        for c in rules.components
        if isinstance(c, kinds.Tax) and c.energy_above_kwh is not None
    }
    add_percentages(amounts, rules.components, context, taxed=above)
    taxes, net = [], sum(amounts.values(), Fraction(0))
    for tax in rules.components:
        if not isinstance(tax, kinds.Tax):
            continue
        share = amounts.get(tax.name, Fraction(0))
        if tax.inclusive:
            base = sum((amounts.get(one, Fraction(0)) for one in tax.on), Fraction(0))
            share = base * Fraction(tax.percent) / (100 + Fraction(tax.percent))
        taxes.append((tax.name, chart.component_account(chart.TAX_ON_SALES, tax.name), share))
        net -= share
    return Price(net, tuple(taxes), why)
