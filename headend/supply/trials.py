"""Previews closing an account, without changing anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from headend.config.exact import Fraction
from headend.customers.models import SupplyAgreement
from headend.debts.models import Debt
from headend.design.figures import kwh
from headend.fleet.models import Command
from headend.fleet.queries import latest_state, unfinished_commands
from headend.ledger import chart
from headend.meters.models import Meter
from headend.supply.meter_credit import (
    free_share_wh,
    on_the_bill_wh,
    open_replacements,
    to_move_wh,
    typed_since_wh,
)
from headend.supply.models import Closing, Rule, Source
from headend.supply.reckoning import Due, Owed, Reckoning, Replaced, reckon
from headend.supply.rules import rule_in_force
from headend.supply.valuation import price_of
from headend.tariffs import components as kinds
from headend.tariffs import lifeline
from headend.tariffs.charges import add_percentages, charges_before_energy
from headend.tariffs.context import PurchaseContext
from headend.tariffs.numbers import HALF_UP, to_whole
from headend.tariffs.queries import rules_of, version_in_force
from headend.tariffs.rules import TariffRules
from headend.vending.history import circumstances
from headend.vending.models import IssuedToken
from headend.vending.unused import tokens_not_entered

_ENOUGH_MINOR = 10**13  # a tender from which every fee can be taken
_TOKENS_SINCE = timedelta(days=90)


@dataclass(frozen=True)
class Registers:
    """What a meter showed: the energy and credit registers, how and when they were learnt."""

    energy_wh: int
    credit_wh: int
    source: str  # of Source
    at: datetime


@dataclass(frozen=True)
class Trial:
    """What a closing would come to.

    Attributes:
        agreement: whose.
        rule: by which it is reckoned.
        registers: as far as they are known; None: the meter never told any.
        is_estimate: the registers are the meter's latest, not the closing ones.
        reckoning: lines and who owes whom; None without registers.
        left_debts: what stays owed as it is, with how much.
        waiting: orders to the meter that are on their way.
        tokens: sold for the meter and not known to have been entered.
    """

    agreement: SupplyAgreement
    rule: Rule
    registers: Registers | None
    is_estimate: bool
    reckoning: Reckoning | None
    left_debts: list[tuple[Debt, int]] = field(default_factory=list)
    waiting: list[Command] = field(default_factory=list)
    tokens: list[IssuedToken] = field(default_factory=list)


def trial(agreement: SupplyAgreement, *, at: datetime) -> Trial:
    """Say what closing an agreement's account now would come to.

    The latest registers that the meter told stand for the closing ones; debts count as they are.

    Raises:
        Refusal: the tariff can't be reckoned with: the closing would be refused too.
    """
    registers = told_registers(agreement.meter)
    return _trial(agreement, registers, estimate=True, ends=agreement.ended_at or at, at=at)


def trial_of(closing: Closing, *, at: datetime) -> Trial:
    """Say what settling a closing now would come to, with its closing registers if known."""
    registers = registers_of(closing)
    agreement = closing.agreement
    if registers is None:
        told = told_registers(agreement.meter)
        return _trial(agreement, told, estimate=True, ends=end_of(closing), at=at)
    return _trial(agreement, registers, estimate=False, ends=end_of(closing), at=at)


def end_of(closing: Closing) -> datetime:
    """Return up to when fees of a closed account are due: the end of its agreement."""
    return closing.agreement.ended_at or closing.started_at


def registers_of(closing: Closing) -> Registers | None:
    """Return the closing registers, None as long as they are not known."""
    if closing.energy_wh is None or closing.credit_wh is None or closing.registers_at is None:
        return None
    return Registers(
        closing.energy_wh, closing.credit_wh, closing.registers_source, closing.registers_at
    )


def told_registers(meter: Meter) -> Registers | None:
    """Return the latest registers that a meter told by itself, None if it never did."""
    state = latest_state(meter)
    if state is None or "energy_wh" not in state.content:
        return None
    return Registers(state.content["energy_wh"], state.credit_wh, Source.METER, state.received_at)


def reckoning_of(
    agreement: SupplyAgreement,
    registers: Registers,
    rule: Rule,
    debts: list[Debt],
    *,
    ends: datetime,
) -> Reckoning:
    """Reckon an account with registers and debts as they are.

    Args:
        agreement: whose.
        registers: the closing ones.
        rule: by which credit is valued.
        debts: which the settlement pays off as far as it can.
        ends: up to when fees are due.

    Raises:
        NoTariffInForce, AttributeMissing: the tariff can't be reckoned with.
    """
    dues, carried_minor = dues_of(agreement, at=ends)
    repriced = any(due.is_repricing for due in dues)
    price = price_of(agreement, rule, at=ends, repriced=repriced)
    replaced = [
        Replaced(str(one.old_meter), to_move_wh(one))
        for one in open_replacements(agreement).select_related("old_meter", "agreement")
    ]
    billed_wh = on_the_bill_wh(agreement, agreement.meter, at=registers.at)
    credit_wh = registers.credit_wh - billed_wh
    left_wh = credit_wh + sum(one.credit_wh for one in replaced)
    typed_wh = 0
    if registers.source == Source.PERSON:
        typed_wh = typed_since_wh(agreement.meter, registers.credit_wh, at=registers.at)
    told = f", less {kwh(billed_wh)} kWh on the bill already" if billed_wh else ""
    return reckon(
        credit_wh=credit_wh,
        replaced=replaced,
        free_wh=free_share_wh(agreement, left_wh, typed_wh=typed_wh),
        price=price,
        price_told=f"{price.told}{told}",
        carried_minor=carried_minor,
        dues=dues,
        debts=[Owed(one.title, one.balance_minor, one.account, one.priority) for one in debts],
    )


def debts_to_settle(agreement: SupplyAgreement, rule: Rule) -> QuerySet[Debt]:
    """Return the open debts that a settlement pays off: the customer's; the premises' by rule."""
    whose = Q(customer=agreement.customer_id)
    if rule.premises_debts_settled:
        whose |= Q(premises=agreement.premises_id)
    return Debt.objects.filter(whose, balance_minor__gt=0).order_by("priority", "pk")


def dues_of(agreement: SupplyAgreement, *, at: datetime) -> tuple[list[Due], int]:
    """Return what is due at an instant besides debts, with its taxes, and what was left unspent.

    That is every period of a fee that has begun, and what energy of a lower price still has to be
    paid, as with a purchase at that instant.

    Raises:
        NoTariffInForce, AttributeMissing: the tariff can't be reckoned with.
    """
    version = version_in_force(agreement.tariff_id, at=at)
    rules = rules_of(version)
    context = lifeline.looked_at(rules, circumstances(agreement, version, rules, at=at).context)
    small = lifeline.holds(rules, context)
    charges = charges_before_energy(_ENOUGH_MINOR, rules, context, lifeline_holds=small)
    due = {
        name: Fraction(charges.per_kwh_due.get(name, fee.due_minor))
        for name, fee in charges.fees.items()
    }
    dues = [
        Due(
            name,
            int(amount),
            chart.component_account(chart.FEES, name),
            f"{charges.fees[name].periods} not yet charged, with what was left unpaid",
        )
        for name, amount in due.items()
        if amount
    ]
    energy = rules.energy
    owed_minor = lifeline.due_for_earlier(rules, context, lifeline_holds=small)
    if energy is not None and owed_minor:
        due[energy.name] = Fraction(owed_minor)
        account = chart.component_account(chart.ENERGY_SALES, energy.name)
        why = "sold at the lower price for small users, whose limit was passed"
        dues.append(Due(f"{energy.name} bought earlier, repriced", owed_minor, account, why, True))
    return [*dues, *_taxes_on(due, rules, context)], context.carried_minor


def _taxes_on(
    due: dict[str, Fraction], rules: TariffRules, context: PurchaseContext
) -> Iterator[Due]:
    amounts = add_percentages(dict(due), rules.components, context)
    accounts = {
        kinds.Tax: chart.TAX_ON_SALES,
        kinds.PercentLevy: chart.LEVIES,
        kinds.Rebate: chart.REBATES,
    }
    for component in rules.components:
        if component.name in due or not isinstance(component, kinds.PERCENT_KINDS):
            continue
        amount_minor = to_whole(amounts.get(component.name, Fraction(0)), HALF_UP)
        if amount_minor:
            account = chart.component_account(accounts[type(component)], component.name)
            yield Due(f"{component.name} on what is due", amount_minor, account)


def _trial(
    agreement: SupplyAgreement,
    registers: Registers | None,
    *,
    estimate: bool,
    ends: datetime,
    at: datetime,
) -> Trial:
    rule = rule_in_force(at=at)
    debts = list(debts_to_settle(agreement, rule))
    done = reckoning_of(agreement, registers, rule, debts, ends=ends) if registers else None
    paid = {line.account: -line.amount_minor for line in done.lines} if done else {}
    all_debts = Debt.objects.filter(
        Q(customer=agreement.customer_id) | Q(premises=agreement.premises_id), balance_minor__gt=0
    ).select_related("customer", "premises")
    left = [(one, one.balance_minor - paid.get(one.account, 0)) for one in all_debts]
    since = max(agreement.started_at, at - _TOKENS_SINCE)
    return Trial(
        agreement=agreement,
        rule=rule,
        registers=registers,
        is_estimate=estimate,
        reckoning=done,
        left_debts=[(one, minor) for one, minor in left if minor],
        waiting=list(unfinished_commands(agreement.meter)),
        tokens=tokens_not_entered(agreement.meter, since=since),
    )
