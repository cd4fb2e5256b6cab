"""Closing a customer's account: notice, closing registers, settlement. Refunds are in `refunds`.

The notice ends the agreement: nothing is sold any more, and fees are due up to then. The closing
registers come from the meter, which clears its credit in the same step, or from a person who read
them. What they come to is settled once, by the rule of that moment, in one entry of the ledger.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.customers.models import SupplyAgreement
from headend.customers.queries import agreements_in_force, no_agreement
from headend.customers.services import end_agreement
from headend.debts.models import Debt
from headend.debts.queries import SETTLEMENT
from headend.debts.services import charge, collect
from headend.debts.terms import Terms
from headend.design.figures import kwh
from headend.fleet.account_orders import queue_close_account
from headend.fleet.delivery import UNSENT
from headend.fleet.models import WorkItem
from headend.fleet.services import cancel, lock_link
from headend.fleet.work_items import open_work_item
from headend.ledger import chart
from headend.ledger import services as ledger
from headend.meters.models import Meter
from headend.supply import transfers, trials
from headend.supply.errors import ClosingNotPossible
from headend.supply.handover import call_back_orders, check_registers
from headend.supply.meter_credit import open_replacements
from headend.supply.models import Closing, Replacement, Settlement, SettlementLine, Source
from headend.supply.reckoning import Reckoning
from headend.supply.rules import rule_in_force
from headend.supply.words import new_number


@transaction.atomic
def start(
    agreement: SupplyAgreement, *, by: User, at: datetime, reason: str, ask_meter: bool
) -> Closing:
    """Give notice: end an agreement, call back what waits for its meter, ask for the registers.

    Args:
        agreement: a running one, or one that ended without a settlement (see `closable`).
        by: who decides; needs supply.close_account and customers.change_supplyagreement, and
            fleet.close_account to ask the meter.
        at: now; a running agreement ends here, and fees are due up to its end.
        reason: why.
        ask_meter: order the meter to close its account and to tell its registers; otherwise
            somebody reads them.

    Raises:
        InvalidAgreement: it has not begun.
        ClosingNotPossible: it was closed before, or the meter serves somebody else by now.
    """
    require(by, "supply.close_account")
    # In the order of a sale that is sent to its meter: first the meter's row, then its link's.
    meter = Meter.objects.select_for_update().get(pk=agreement.meter_id)
    lock_link(meter)
    if Closing.objects.filter(agreement=agreement).exists():
        raise ClosingNotPossible(f"the account at {agreement.premises} is being closed already")
    if agreement.ended_at is None:
        end_agreement(agreement, by=by, at=at, reason=reason)
    elif SupplyAgreement.objects.filter(meter=meter, ended_at=None).exists():
        raise ClosingNotPossible(
            f"meter {meter} serves somebody else by now: its credit is not {agreement.customer}'s"
        )
    number = new_number("C", at)
    called_back = call_back_orders(meter, at=at)
    command = None
    if ask_meter:
        command = queue_close_account(
            meter=meter, requested_by=by, reason=f"closing {number}: {reason}"[:200], at=at
        )
    closing = Closing.objects.create(
        number=number,
        agreement=agreement,
        reason=reason[:200],
        started_at=at,
        started_by=by,
        command=command,
    )
    audit.record(
        actor=by,
        action="supply.start_closing",
        target=closing,
        at=at,
        after={"meter": meter.drn, "asked_meter": ask_meter, "called_back": called_back},
        reason=reason,
    )
    return closing


def closable(meter: Meter, *, at: datetime) -> SupplyAgreement:
    """Return the agreement at a meter whose account can be closed.

    That is the one in force, or else the last one, if it ended without a settlement.

    Raises:
        NoSupplyAgreement: there is none.
        ClosingNotPossible: the last one's account was closed already.
    """
    running = agreements_in_force().filter(meter=meter).first()
    if running is not None:
        return running
    ended = SupplyAgreement.objects.filter(meter=meter, ended_at__isnull=False)
    last = ended.select_related("customer", "premises", "meter", "tariff").order_by("-ended_at")
    found = last.first()
    if found is None:
        raise no_agreement(meter, at)
    closing = Closing.objects.filter(agreement=found).first()
    if closing is not None:
        raise ClosingNotPossible(
            f"the account of {found.customer} at meter {meter} was closed already: see closing "
            f"{closing}, which is {closing.state}"
        )
    return found


@transaction.atomic
def note_registers(
    closing: Closing, *, energy_wh: int, credit_wh: int, by: User, at: datetime
) -> Closing:
    """Take down closing registers that a person read at the meter.

    They can be put right until the account is settled. The meter's own answer, should it still
    come before that, takes their place.

    Args:
        closing: one that is not settled.
        energy_wh: the total, 0 or more and not below what the meter told before.
        credit_wh: what is left; below zero: used on credit.
        by: who read them; needs supply.close_account.
        at: now.

    Raises:
        ClosingNotPossible: it is settled, or the meter itself told them.
        InvalidRegisters: no meter shows such figures.
    """
    require(by, "supply.close_account")
    meter = closing.agreement.meter
    lock_link(meter)
    kept = _locked(closing)
    if not kept.is_open or kept.registers_source == Source.METER:
        raise ClosingNotPossible(f"the registers of closing {closing} stand: {kept.state}")
    check_registers(meter, energy_wh=energy_wh, credit_wh=credit_wh)
    if kept.command is not None and kept.command.state in UNSENT:
        cancel(command=kept.command, cancelled_by=None, at=at)
    keep_registers(kept, trials.Registers(energy_wh, credit_wh, Source.PERSON, at), by=by, at=at)
    return kept


@transaction.atomic
def settle(closing: Closing, *, by: User, at: datetime) -> Settlement:
    """Settle an account for good: the statement, its ledger entry, debts paid off or opened.

    Args:
        closing: one whose registers are known.
        by: who settles; needs supply.close_account.
        at: now; the rule of this moment holds.

    Raises:
        ClosingNotPossible: the registers are not known, or it is settled already.
        NoTariffInForce, AttributeMissing: the tariff can't be reckoned with.
    """
    require(by, "supply.close_account")
    _hold_meters(closing)
    kept = _locked(closing)
    registers = trials.registers_of(kept)
    if kept.state != Closing.State.REGISTERS_KNOWN or registers is None:
        raise ClosingNotPossible(f"closing {closing} can't be settled: {kept.state}")
    agreement = kept.agreement
    replaced = list(open_replacements(agreement).select_for_update(of=("self",)))
    _require_known(replaced)
    rule = rule_in_force(at=at)
    debts = list(trials.debts_to_settle(agreement, rule).select_for_update(of=("self",)))
    done = trials.reckoning_of(agreement, registers, rule, debts, ends=trials.end_of(kept))
    debt = _open_debt(kept, done, by=by, at=at) if done.owed_minor else None
    _post(kept, done, at=at)
    settlement = Settlement.objects.create(
        closing=kept,
        currency=settings.BASE_CURRENCY,
        refund_minor=done.refund_minor,
        owed_minor=done.owed_minor,
        debt=debt,
        refund_limit_minor=rule.refund_limit_minor,
        particulars=_particulars(kept, debts, done),
        settled_at=at,
        settled_by=by,
    )
    SettlementLine.objects.bulk_create(
        SettlementLine(settlement=settlement, position=position, **vars(line))
        for position, line in enumerate(done.lines)
    )
    kept.state = Closing.State.SETTLED
    kept.save(update_fields=["state"])
    for one in replaced:
        transfers.settled(one, settlement, by=by, at=at)
    _open_work_left(kept, registers, at=at)
    audit.record(
        actor=by,
        action="supply.settle",
        target=kept,
        at=at,
        after={
            "refund_minor": done.refund_minor,
            "owed_minor": done.owed_minor,
            "energy_wh": registers.energy_wh,
            "credit_wh": registers.credit_wh,
        },
    )
    return settlement


@transaction.atomic
def mark_cleared(closing: Closing, *, by: User, at: datetime, how: str, note: str) -> Closing:
    """Say that nothing is left on the meter for the next customer.

    Args:
        closing: whose credit the meter still held.
        by: who saw to it; needs supply.change_meter_credit.
        at: now.
        how: TOKEN or PERSON of Closing.Cleared.
        note: how they know.

    Raises:
        ClosingNotPossible: it is clear already, or the registers are not known yet.
    """
    require(by, "supply.change_meter_credit")
    kept = _locked(closing)
    if kept.state == Closing.State.OPEN or kept.cleared:
        raise ClosingNotPossible(f"closing {closing}: there is no credit to clear now")
    keep_cleared(kept, how, by=by, at=at, note=note)
    return kept


def keep_registers(
    closing: Closing, registers: trials.Registers, *, by: User | None, at: datetime
) -> None:
    """Write closing registers down; the closing is locked and not settled."""
    before = {"energy_wh": closing.energy_wh, "credit_wh": closing.credit_wh}
    closing.energy_wh, closing.credit_wh = registers.energy_wh, registers.credit_wh
    closing.registers_source = registers.source
    closing.registers_at, closing.registers_by = registers.at, by
    closing.state = Closing.State.REGISTERS_KNOWN
    closing.save()
    WorkItem.objects.filter(cause=registers_cause(closing), closed_at=None).update(
        closed_at=at, closed_by=by
    )
    audit.record(
        actor=by,
        action="supply.note_registers",
        target=closing,
        at=at,
        before=before,
        after={
            "energy_wh": registers.energy_wh,
            "credit_wh": registers.credit_wh,
            "source": registers.source,
        },
    )


def keep_cleared(closing: Closing, how: str, *, by: User | None, at: datetime, note: str) -> None:
    """Write down that the meter is clear; the closing is locked."""
    closing.cleared, closing.cleared_at, closing.cleared_by = how, at, by
    closing.cleared_note = note[:200]
    closing.save(update_fields=["cleared", "cleared_at", "cleared_by", "cleared_note"])
    WorkItem.objects.filter(cause=_clearing_cause(closing), closed_at=None).update(
        closed_at=at, closed_by=by
    )
    audit.record(
        actor=by,
        action="supply.clear_credit",
        target=closing,
        at=at,
        after={"how": how, "credit_wh": closing.credit_wh},
        reason=note,
    )


def _require_known(replaced: list[Replacement]) -> None:
    """Refuse to settle while nobody knows what a replaced meter held."""
    unknown = next((one for one in replaced if one.credit_wh is None), None)
    if unknown is not None:
        raise ClosingNotPossible(
            f"what meter {unknown.old_meter} held is not known; enter its registers under "
            f"replacement {unknown} first, 0 if nobody can tell"
        )


def _hold_meters(closing: Closing) -> None:
    """Keep reversals out: each holds the row of the meter that its sale was for."""
    served = closing.agreement.former_meters.values_list("meter_id", flat=True)
    rows = Meter.objects.select_for_update().filter(pk__in={closing.agreement.meter_id, *served})
    list(rows.order_by("pk"))


def _locked(closing: Closing) -> Closing:
    rows = Closing.objects.select_for_update(of=("self",)).select_related(
        "agreement__customer", "agreement__premises", "agreement__meter", "command"
    )
    return rows.get(pk=closing.pk)


def registers_cause(closing: Closing) -> str:
    """Return the name of the work item that asks for a closing's registers."""
    return f"registers of closing {closing.pk}"


def _clearing_cause(closing: Closing) -> str:
    return f"credit of closing {closing.pk}"


def _open_work_left(closing: Closing, registers: trials.Registers, *, at: datetime) -> None:
    """Have somebody do what settling an account can't: clear its meter, bill post-payment."""
    meter = closing.agreement.meter
    if closing.needs_clearing:
        open_work_item(
            kind="supply",
            cause=_clearing_cause(closing),
            summary=f"meter {meter.drn} still holds credit of closing {closing}: "
            "clear it, and say so under the closing",
            at=at,
            meter=meter,
        )
    if meter.intended_payment_mode == Meter.PaymentMode.POSTPAYMENT:
        still_on = closing.cleared != Closing.Cleared.COMMAND  # it did not close its account
        open_work_item(
            kind="supply",
            cause=f"last bill of closing {closing.pk}",
            summary=f"closing {closing}: meter {meter.drn} was in post-payment at "
            f"{kwh(registers.energy_wh)} kWh; have billing make the last bill"
            + (", and order the meter off: it goes on delivering" if still_on else ""),
            at=at,
            meter=meter,
        )


def _open_debt(closing: Closing, done: Reckoning, *, by: User, at: datetime) -> Debt:
    return charge(
        owner=closing.agreement.customer,
        title=f"Account closed, {closing}",
        amount_minor=done.owed_minor,
        terms=Terms(method=Debt.Method.PERCENT, percent=Decimal(100)),
        by=by,
        at=at,
        against=chart.CLOSINGS,
    )


def _post(closing: Closing, done: Reckoning, *, at: datetime) -> None:
    """Pay debts off and enter the lines, if any of them moves money."""
    collect(
        {
            chart.debt_of(line.account): -line.amount_minor
            for line in done.lines
            if line.kind == SettlementLine.Kind.DEBT
        }
    )
    if any(line.amount_minor for line in done.lines):
        ledger.post(
            at=at,
            description=f"Account closed, {closing}",
            reference=f"{SETTLEMENT}:{closing}",
            postings=[
                ledger.Posting(line.account, line.amount_minor, settings.BASE_CURRENCY)
                for line in done.lines
            ],
        )


def _particulars(closing: Closing, debts: list[Debt], done: Reckoning) -> dict[str, Any]:
    """Return what the statement prints and may be called otherwise later."""
    agreement, meter = closing.agreement, closing.agreement.meter
    paid = {line.account: -line.amount_minor for line in done.lines}
    return {
        "utility": settings.UTILITY_NAME,
        "utility_tax_number": settings.UTILITY_TAX_NUMBER,
        "customer": agreement.customer.name,
        "address": agreement.premises.address,
        "tariff": agreement.tariff.name,
        "meter_number": meter.drn,
        "began": agreement.started_at.isoformat(),
        "ended": trials.end_of(closing).isoformat(),
        "energy_wh": closing.energy_wh,
        "credit_wh": closing.credit_wh,
        "registers_source": closing.registers_source,
        "debts_left": [
            {"title": one.title, "left_minor": one.balance_minor - paid.get(one.account, 0)}
            for one in debts
            if one.balance_minor > paid.get(one.account, 0)
        ],
    }
