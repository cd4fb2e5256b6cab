"""A clerk who goes the other way: what would so much energy cost, and is the payment enough?

The product divides money by prices; here energy is taken as given and everything that a tariff
charges for it is added up, component by component. The energy of a payment is then found by
trying. Nothing here is the product's but the words in which a tariff is written.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from headend.tariffs import components as kinds
from headend.tariffs.context import PurchaseContext
from headend.tariffs.rules import TariffRules

F = Fraction
Amounts = dict[str, F]  # in minor units, by component


def most_whole(limit: int, fits: Callable[[int], bool]) -> int:
    """The largest whole number up to a limit that fits; nothing always does."""
    low, high = 0, limit + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


class Clerk:
    """Works one purchase out. Two decimals of a currency; no lifeline."""

    def __init__(self, tariff: TariffRules, context: PurchaseContext, tender_minor: int) -> None:
        self.parts, self.context = tariff.components, context
        self.rules = tariff
        self.money = tender_minor + context.carried_minor
        self.bought = F(context.bought_wh, 1000)
        self.first = self._before_energy()

    def cost(self, kwh: F) -> Amounts:
        """What a purchase with so much energy pays, by component."""
        paid = dict(self.first)
        for part in self.parts:
            if isinstance(part, kinds.ENERGY_KINDS):
                paid[part.name] = self._energy(F(0), kwh)
            elif isinstance(part, kinds.PerKwhLevy):
                paid[part.name] = F(part.rate) * 100 * kwh
            elif isinstance(part, kinds.PeriodicFee) and part.collected_per_kwh is not None:
                paid[part.name] = min(F(self._due(part)), F(part.collected_per_kwh) * 100 * kwh)
        self._add_percentages(paid, kwh)
        return paid

    def covers(self, kwh: F) -> bool:
        """Whether so much energy can be had at all, and is paid for."""
        end = self._steps()[-1][0]
        if kwh and end is not None and self.bought + kwh > end:
            return False
        return sum(self.cost(kwh).values()) <= self.money

    def most(self, step: F) -> F:
        """The most energy, in steps, that the payment covers."""
        high = 1
        while self.covers(high * step):
            high *= 2
        return most_whole(high, lambda many: self.covers(many * step)) * step

    def _before_energy(self) -> Amounts:
        """What is paid however much energy is left to buy: each takes what there is."""
        paid: Amounts = {}
        left = F(self.money)
        for part in self.parts:
            if isinstance(part, kinds.PurchaseFee):
                paid[part.name] = min(F(part.amount) * 100, left)
                left -= paid[part.name]
        net = left
        for part in self.parts:
            amount = None
            if isinstance(part, kinds.TenderDuty) and self.money >= part.from_tender * 100:
                share = F(part.percent) * self.money / 100
                amount = F(part.amount) * 100 + (share + F(1, 2)) // 1
            elif isinstance(part, kinds.PercentLevy) and part.on[0] == kinds.TENDER:
                amount = self._percent(part) * self.money / 100
            elif isinstance(part, kinds.PercentLevy) and part.on[0] == kinds.TENDER_NET:
                amount = self._percent(part) * net / 100
            if amount is not None:
                paid[part.name] = min(amount, left)
                left -= paid[part.name]
        room = F(self.rules.fee_recovery.max_share_percent) * self.money / 100
        for part in self.parts:
            if not isinstance(part, kinds.PeriodicFee) or part.collected_per_kwh is not None:
                continue

            def fits(fee: int, name: str = part.name, room: F = room) -> bool:
                with_fee = self._add_percentages({**paid, name: F(fee)}, F(0))
                return fee <= room and sum(with_fee.values()) <= self.money

            paid[part.name] = F(most_whole(self._due(part), fits))
            room -= paid[part.name]
        return paid

    def _due(self, fee: kinds.PeriodicFee) -> int:
        told = self.context.fees[fee.name]
        periods = told.periods if fee.accumulates else min(1, told.periods)
        if fee.max_periods is not None:
            periods = min(fee.max_periods, periods)
        size = F(self.context.connection_va or 0, 1000) if fee.per_kva else 1
        return told.owed_minor + int((F(fee.amount) * 100 * periods * size + F(1, 2)) // 1)

    def _steps(self) -> list[tuple[F | None, F]]:
        """The steps that hold for this purchase: up to which kWh of the month, at which rate."""
        energy = next(part for part in self.parts if isinstance(part, kinds.ENERGY_KINDS))
        if isinstance(energy, kinds.EnergyByBand):
            by_size = energy.by == kinds.CONNECTION_VA
            measure = self.context.connection_va if by_size else self.context.average_kwh
            fitting = [
                one for one in energy.bands if one.upto is None or F(measure or 0) <= F(one.upto)
            ]
            return [(None, F(fitting[0].rate))]
        many = max(1, self.context.limit_periods) if energy.limits_accumulate else 1
        return [(None if s.upto is None else F(s.upto) * many, F(s.rate)) for s in energy.steps]

    def _energy(self, begins: F, ends: F) -> F:
        """The price of the energy of this purchase from one kWh of it to another."""
        total, below = F(0), F(0)
        for upto, rate in self._steps():
            top = self.bought + ends if upto is None else min(self.bought + ends, upto)
            bottom = max(self.bought + begins, below)
            total += max(F(0), top - bottom) * rate * 100
            below = below if upto is None else upto
        return total

    def _percent(self, part: kinds.PercentLevy) -> F:
        for band in part.by_connection_va:
            if band.upto is None or F(self.context.connection_va or 0) <= F(band.upto):
                return F(band.rate)
        return F(part.percent)

    def _add_percentages(self, paid: Amounts, kwh: F) -> Amounts:
        for part in self.parts:
            if not isinstance(part, kinds.PERCENT_KINDS):
                continue
            if part.on[0] in (kinds.TENDER, kinds.TENDER_NET):
                continue
            base = sum((paid.get(name, F(0)) for name in part.on), F(0))
            if isinstance(part, kinds.PercentLevy):
                paid[part.name] = base * self._percent(part) / 100
            elif isinstance(part, kinds.Rebate):
                paid[part.name] = -base * F(part.percent) / 100
            elif part.inclusive:
                paid[part.name] = F(0)  # in the prices already
            else:
                paid[part.name] = (base - self._untaxed(part, kwh)) * F(part.percent) / 100
        return paid

    def _untaxed(self, tax: kinds.Tax, kwh: F) -> F:
        """The price of the energy that a tax leaves out: that below its limit of the month."""
        energy = next(part for part in self.parts if isinstance(part, kinds.ENERGY_KINDS))
        if tax.energy_above_kwh is None or energy.name not in tax.on:
            return F(0)
        within = max(F(0), min(kwh, F(tax.energy_above_kwh) - self.bought))
        return self._energy(F(0), within)
