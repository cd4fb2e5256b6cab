"""Settles a switch of the payment mode: closing registers, remaining credit, billing.

What counts is the meter's own answer, not that somebody wanted the switch. Each real switch is one
row, never changed; billing takes them as a sheet (`handover`).
"""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from headend.audit import services as audit
from headend.customers.models import SupplyAgreement
from headend.customers.queries import agreements_in_force
from headend.design.cells import safe_cell
from headend.design.figures import kwh
from headend.fleet.account_orders import queue_adjust_credit
from headend.fleet.delivery import State
from headend.fleet.models import Command
from headend.fleet.work_items import open_work_item
from headend.ledger import chart
from headend.ledger import services as ledger
from headend.meters.models import Meter
from headend.supply.meter_credit import free_share_wh
from headend.supply.models import ModeSwitch, Rule
from headend.supply.reckoning import credit_lines
from headend.supply.rules import rule_in_force
from headend.supply.valuation import price_of, worth
from headend.supply.words import new_number

REFERENCE = "mode-switch"
COLUMNS = (
    "number", "switched_at", "meter", "customer", "address", "payment_mode", "energy_wh",
    "postpaid_wh", "credit_wh", "credit_treatment", "credited_minor", "currency",
)  # fmt: skip
POSTPAYMENT = Meter.PaymentMode.POSTPAYMENT


class _Credited(NamedTuple):
    """What a bill gets for credit on the meter, and the command that takes it off there."""

    minor: int
    explanation: str
    take_off: Command | None


_NOTHING_CREDITED = _Credited(0, "", None)


def settle(command: Command, *, at: datetime) -> ModeSwitch | None:
    """Settle the switch that a meter said it did; its link is locked.

    On the way to post-payment the credit stays on the meter, where it is used up first, or by
    rule is taken off and credited to the bill. On the way back nothing is credited: what the
    meter counted in post-payment is billing's.

    Args:
        command: an accepted order of a payment mode, with the meter's answer.
        at: when the answer came.

    Returns:
        ModeSwitch: None if the meter was in that mode already.
    """
    meter, mode = command.meter, command.arguments["mode"]
    before = ModeSwitch.objects.filter(meter=meter).order_by("-switched_at", "-pk").first()
    was = before.payment_mode if before else Meter.PaymentMode.PREPAYMENT
    if mode == was:
        return None
    agreement = agreements_in_force().filter(meter=meter).first()
    told = command.detail
    number = new_number("M", at)
    credited = _NOTHING_CREDITED
    if mode == POSTPAYMENT and agreement is not None:
        credited = _credit_to_bill(number, agreement, meter, told["credit_wh"], at=at)
    switch = ModeSwitch.objects.create(
        number=number,
        meter=meter,
        agreement=agreement,
        command=command,
        payment_mode=mode,
        switched_at=at,
        energy_wh=told["energy_wh"],
        credit_wh=told["credit_wh"],
        postpaid_wh=told["postpaid_wh"],
        credit_treatment=_treatment(
            mode, told["credit_wh"], credited=credited.take_off is not None
        ),
        currency=settings.BASE_CURRENCY,
        credited_minor=credited.minor,
        explanation=credited.explanation,
        take_off=credited.take_off,
        particulars=_particulars(agreement),
    )
    audit.record(
        actor=None,
        action="supply.settle_mode_switch",
        target=switch,
        at=at,
        before={"payment_mode": was},
        after={
            "payment_mode": mode,
            "energy_wh": switch.energy_wh,
            "credit_wh": switch.credit_wh,
            "credited_minor": credited.minor,
        },
        reason=command.reason,
    )
    return switch


def _credit_to_bill(
    number: str, agreement: SupplyAgreement, meter: Meter, credit_wh: int, *, at: datetime
) -> _Credited:
    """Take credit off a meter for the bill, if the rule says so; what was given free stays."""
    rule = rule_in_force(at=at)
    if rule.mode_credit != Rule.ModeCredit.REFUNDED or credit_wh <= 0:
        return _NOTHING_CREDITED
    paid_wh = credit_wh - free_share_wh(agreement, credit_wh)
    if paid_wh <= 0:
        return _NOTHING_CREDITED
    minor, explanation = _credit(number, agreement, rule, paid_wh, at=at)
    take_off = queue_adjust_credit(
        meter=meter,
        amount_wh=-paid_wh,
        requested_by=None,
        approved_by=None,
        reason=f"{number}: credited to the bill",
        at=at,
    )
    return _Credited(minor, explanation, take_off)


def follow_take_off(command: Command, *, at: datetime) -> None:
    """Have somebody see to credit that was credited to a bill and may still be on the meter."""
    switch = ModeSwitch.objects.filter(take_off=command).first()
    if switch is None or command.state == State.ACCEPTED:
        return
    open_work_item(
        kind="supply",
        cause=f"take-off of switch {switch.pk}",
        summary=f"{kwh(-command.arguments['amount_wh'])} kWh that {switch} credited to the bill "
        f"may still be on meter {command.meter} ({command.state}): read it, and adjust its "
        "credit; a closing or a replacement reckons without it",
        at=at,
        meter=command.meter,
        command=command,
    )


def switches(
    *, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[ModeSwitch]:
    """Return the switches of a half-open period, oldest first."""
    found = ModeSwitch.objects.select_related("meter").order_by("switched_at", "pk")
    if since is not None:
        found = found.filter(switched_at__gte=since)
    return found if until is None else found.filter(switched_at__lt=until)


def handover_row(switch: ModeSwitch) -> dict[str, Any]:
    """Return what billing is told of a switch; times are local, energy in Wh."""
    told = switch.particulars
    return {
        "number": switch.number,
        "switched_at": timezone.localtime(switch.switched_at).isoformat(timespec="seconds"),
        "meter": switch.meter.drn,
        "customer": told.get("customer", ""),
        "address": told.get("address", ""),
        "payment_mode": switch.payment_mode,
        "energy_wh": switch.energy_wh,
        "postpaid_wh": switch.postpaid_wh,
        "credit_wh": switch.credit_wh,
        "credit_treatment": switch.credit_treatment,
        "credited_minor": switch.credited_minor,
        "currency": switch.currency,
    }


def handover(*, since: datetime | None = None, until: datetime | None = None) -> str:
    """Return the switches of a period as a sheet (CSV) for billing."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for switch in switches(since=since, until=until):
        told = handover_row(switch)
        writer.writerow(
            {
                name: safe_cell(told[name]) if isinstance(told[name], str) else told[name]
                for name in told
            }
        )
    return out.getvalue()


def _credit(
    number: str, agreement: SupplyAgreement, rule: Rule, credit_wh: int, *, at: datetime
) -> tuple[int, str]:
    """Credit what is left on a meter to its customer's bill; return how much, and why."""
    price = price_of(agreement, rule, at=at)
    why = f"{price.told}, {price.why}"
    value = worth(credit_wh, price)
    if value.whole_minor:
        currency = settings.BASE_CURRENCY
        ledger.post(
            at=at,
            description=f"Credit of meter {agreement.meter} to the bill, {number}",
            reference=f"{REFERENCE}:{number}",
            postings=[
                *(
                    ledger.Posting(line.account, line.amount_minor, currency)
                    for line in credit_lines(credit_wh, value, why)
                ),
                ledger.Posting(chart.BILLING, -value.whole_minor, currency),
            ],
        )
    return value.whole_minor, why


def _treatment(mode: str, credit_wh: int, *, credited: bool) -> str:
    if mode != POSTPAYMENT or not credit_wh:
        return ""
    return Rule.ModeCredit.REFUNDED if credited else Rule.ModeCredit.KEPT


def _particulars(agreement: SupplyAgreement | None) -> dict[str, str]:
    if agreement is None:
        return {}
    return {
        "customer": agreement.customer.name,
        "address": agreement.premises.address,
        "tariff": agreement.tariff.name,
    }
