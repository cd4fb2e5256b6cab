"""Replacing a meter: the agreement and its month continue, the credit moves over once.

Credit goes to the meter that serves now as a token or by command, never as both, or is settled if
the account is closed before. It may become known later than the meters are exchanged: until then
the replacement is an open item. Tokens of the old meter
that were not entered are in `second_issues`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.customers.models import SupplyAgreement
from headend.customers.services import replace_meter
from headend.design.figures import kwh
from headend.fleet.account_orders import change_payment_mode, queue_adjust_credit
from headend.fleet.delivery import State
from headend.fleet.models import Command, WorkItem
from headend.fleet.services import lock_link, queue_token
from headend.fleet.work_items import open_work_item
from headend.meters.models import Meter
from headend.meters.services import install_meter, remove_meter
from headend.securitymodule.services import refusals_recorded
from headend.securitymodule.tokens import Credit
from headend.supply.errors import ReplacementNotPossible
from headend.supply.handover import call_back_orders, check_registers
from headend.supply.meter_credit import require_none, to_move_wh
from headend.supply.models import Replacement, Settlement, Source
from headend.supply.old_tokens import require_new_key
from headend.supply.trials import Registers
from headend.supply.words import new_number
from headend.vending.issuing import issue
from headend.vending.models import IssuedToken, TokenDelivery


@dataclass(frozen=True)
class OldMeter:
    """What is known of the meter that comes down; without registers its credit is open."""

    energy_wh: int | None = None
    credit_wh: int | None = None
    scrapped: bool = False


@transaction.atomic
def replace(
    agreement: SupplyAgreement,
    new_meter: Meter,
    *,
    old: OldMeter,
    new_energy_wh: int,
    by: User,
    at: datetime,
    reason: str,
    new_credit_wh: int = 0,
) -> Replacement:
    """Exchange the meter of a running agreement.

    Orders that wait for the old meter are called back. A new meter of a post-payment supply is
    ordered to post-payment.

    Args:
        agreement: whose; its `meter` is brought up to date.
        new_meter: from stock, or taken down elsewhere before.
        old: what the old one showed and what becomes of it.
        new_energy_wh: what the new one shows, 0 or more.
        by: who replaces; needs supply.replace_meter and meters.change_meter.
        at: now.
        reason: why.
        new_credit_wh: the credit that the new one shows; it has to be none.

    Raises:
        ReplacementNotPossible: it is the same meter, or only one register was read.
        CreditLeft: the new one holds credit, by what is read or by what is known of it.
        NewKeyNeeded: the new one would take a token that was issued anew for another meter.
        InvalidMeter: the new one is not in stock.
        InvalidAgreement: the agreement has ended, or the new meter serves somebody.
        InvalidRegisters: no meter shows such figures.
    """
    require(by, "supply.replace_meter")
    if new_meter.pk == agreement.meter_id:
        raise ReplacementNotPossible(f"meter {new_meter} can't replace itself; take another")
    if (old.energy_wh is None) != (old.credit_wh is None):
        raise ReplacementNotPossible("read both registers of the old meter, or neither")
    meters = locked_meters(agreement.meter_id, new_meter.pk)
    old_meter, new_meter = meters[agreement.meter_id], meters[new_meter.pk]
    if old.energy_wh is not None and old.credit_wh is not None:
        check_registers(old_meter, energy_wh=old.energy_wh, credit_wh=old.credit_wh)
    check_registers(new_meter, energy_wh=new_energy_wh, credit_wh=new_credit_wh)
    require_none(new_meter, energy_wh=new_energy_wh, credit_wh=new_credit_wh)
    require_new_key(new_meter)
    called_back = call_back_orders(old_meter, at=at)
    if old_meter.status == Meter.Status.INSTALLED:
        remove_meter(old_meter, scrapped=old.scrapped, by=by, at=at, reason=reason)
    install_meter(new_meter, by=by, at=at)
    replace_meter(agreement, new_meter, by=by, at=at, reason=reason)
    if old_meter.intended_payment_mode != new_meter.intended_payment_mode:
        change_payment_mode(
            meter=new_meter,
            payment_mode=old_meter.intended_payment_mode,
            requested_by=None,
            reason=f"replaces meter {old_meter}",
            at=at,
        )
    known = old.credit_wh is not None
    replacement = Replacement.objects.create(
        number=new_number("R", at),
        agreement=agreement,
        old_meter=old_meter,
        new_meter=new_meter,
        replaced_at=at,
        by=by,
        reason=reason[:200],
        new_energy_wh=new_energy_wh,
        energy_wh=old.energy_wh,
        credit_wh=old.credit_wh,
        registers_source=Source.PERSON if known else "",
        registers_at=at if known else None,
        registers_by=by if known else None,
    )
    audit.record(
        actor=by,
        action="supply.replace_meter",
        target=replacement,
        at=at,
        before={"meter": old_meter.drn, "energy_wh": old.energy_wh, "credit_wh": old.credit_wh},
        after={"meter": new_meter.drn, "energy_wh": new_energy_wh, "called_back": called_back},
        reason=reason,
    )
    if is_open(replacement):
        _open_item(replacement, at=at)
    return replacement


@transaction.atomic
def note_registers(
    replacement: Replacement, *, energy_wh: int, credit_wh: int, by: User, at: datetime
) -> Replacement:
    """Take down what a replaced meter showed, if it could not be read when it came down.

    Raises:
        ReplacementNotPossible: it is known already.
        InvalidRegisters: no meter shows such figures.
    """
    require(by, "supply.replace_meter")
    kept = locked(replacement)
    if kept.credit_wh is not None:
        raise ReplacementNotPossible(f"the registers of replacement {kept} are known already")
    check_registers(kept.old_meter, energy_wh=energy_wh, credit_wh=credit_wh)
    kept.energy_wh, kept.credit_wh = energy_wh, credit_wh
    kept.registers_source, kept.registers_at, kept.registers_by = Source.PERSON, at, by
    kept.save()
    audit.record(
        actor=by,
        action="supply.note_registers",
        target=kept,
        at=at,
        after={"energy_wh": energy_wh, "credit_wh": credit_wh},
    )
    if not is_open(kept):
        _close_item(kept, by=by, at=at)
    return kept


def transfer_by_token(
    replacement: Replacement, *, by: User, at: datetime, send: bool = False
) -> IssuedToken:
    """Make a token that carries the credit of the old meter, once.

    It is for the meter that serves the agreement now: the new one, or one that followed it.

    Args:
        replacement: with known credit above zero that was not transferred yet.
        by: who transfers; needs supply.replace_meter, and fleet.send_token to send.
        at: now.
        send: also queue the token to the new meter.

    Raises:
        ReplacementNotPossible: nothing to transfer, or it was transferred already.
        Refusal: no such token can be made.
    """
    require(by, "supply.replace_meter")
    with refusals_recorded(by=by, at=at), transaction.atomic():
        meter = _held_target(replacement)
        kept = _transferable(replacement)
        credit_wh = to_move_wh(kept)
        if credit_wh < 0:
            raise ReplacementNotPossible("credit below zero can't be carried by a token")
        token = issue(
            meter=meter,
            content=Credit.of_energy(credit_wh),
            purpose=f"credit of replaced meter {kept.old_meter}",
            by=by,
            at=at,
            reason=str(kept),
        )
        kept.transfer_token = token
        _transferred(kept, by=by, at=at)
        if send:
            command = queue_token(
                meter=meter,
                digits=token.digits,
                requested_by=by,
                token_identifier=token.tid,
                at=at,
            )
            TokenDelivery.objects.create(token=token, command=command)
        return token


@transaction.atomic
def transfer_by_command(replacement: Replacement, *, by: User, at: datetime) -> Command:
    """Order the meter that serves now to take over the credit, once; it may be below zero.

    Args:
        replacement: with known credit that was not transferred yet.
        by: who transfers; needs supply.replace_meter.
        at: now.

    Raises:
        ReplacementNotPossible: nothing to transfer, or it was transferred already.
    """
    require(by, "supply.replace_meter")
    meter = _held_target(replacement)
    kept = _transferable(replacement)
    command = queue_adjust_credit(
        meter=meter,
        amount_wh=to_move_wh(kept),
        requested_by=None,
        approved_by=None,
        reason=f"replacement {kept}: credit of meter {kept.old_meter}, by {by}",
        at=at,
    )
    kept.transfer_command = command
    _transferred(kept, by=by, at=at)
    return command


def take_back_failed_transfer(command: Command, *, at: datetime) -> None:
    """Let credit be transferred again that the new meter did not get; its link is locked.

    Only a refusal proves that nothing was added, or that the order was never sent: one that ran
    out or was given up on its way may still have arrived.
    """
    rows = Replacement.objects.select_for_update(of=("self",)).filter(transfer_command=command)
    kept = rows.select_related("old_meter", "agreement").first()
    if kept is None or command.state == State.ACCEPTED:
        return
    if command.state == State.REJECTED or command.number is None:
        kept.transfer_command, kept.transferred_at, kept.transferred_by = None, None, None
        kept.save()
        audit.record(actor=None, action="supply.transfer_refused", target=kept, at=at)
        _open_item(kept, at=at)
        return
    open_work_item(
        kind="supply",
        cause=f"transfer of replacement {kept.pk}",
        summary=f"whether meter {command.meter} took over the credit of {kept.old_meter} is not "
        f"known ({command.state}): read it, and see replacement {kept}",
        at=at,
        meter=command.meter,
        command=command,
    )


def is_open(replacement: Replacement) -> bool:
    """Say whether credit of the old meter is still to be found out or transferred."""
    return replacement.credit_wh is None or (
        replacement.transferred_at is None and to_move_wh(replacement) != 0
    )


def registers_of(replacement: Replacement) -> Registers | None:
    """Return what the old meter showed, None as long as it is not known."""
    if replacement.energy_wh is None or replacement.credit_wh is None:
        return None
    at = replacement.registers_at or replacement.replaced_at
    return Registers(
        replacement.energy_wh, replacement.credit_wh, replacement.registers_source, at
    )


def settled(replacement: Replacement, settlement: Settlement, *, by: User, at: datetime) -> None:
    """Note that the credit of a replaced meter was settled when the account was closed.

    Args:
        replacement: locked, with known credit that was not transferred.
        settlement: whose lines it is in.
        by: who settles.
        at: now.
    """
    replacement.settlement = settlement
    _transferred(replacement, by=by, at=at)


def _held_target(replacement: Replacement) -> Meter:
    """Return the meter that serves the agreement now, held until the transaction ends.

    Raises:
        ReplacementNotPossible: the agreement has ended; what is left is settled with it.
    """
    serves = SupplyAgreement.objects.select_related("meter")
    meter = serves.get(pk=replacement.agreement_id).meter
    locked_meters(meter.pk)
    now = serves.get(pk=replacement.agreement_id)
    if now.ended_at is not None:
        raise ReplacementNotPossible(
            f"the agreement of replacement {replacement} has ended; closing its account settles "
            "the credit"
        )
    if now.meter_id != meter.pk:
        raise ReplacementNotPossible(f"meter {meter} was replaced just now; try again")
    return now.meter


def _transferable(replacement: Replacement) -> Replacement:
    kept = locked(replacement)
    if not to_move_wh(kept):
        raise ReplacementNotPossible(f"replacement {kept} has no known credit to transfer")
    if kept.transferred_at is not None:
        raise ReplacementNotPossible(f"the credit of replacement {kept} was transferred already")
    return kept


def _transferred(kept: Replacement, *, by: User, at: datetime) -> None:
    kept.transferred_at, kept.transferred_by = at, by
    kept.save()
    ways = {"token": kept.transfer_token, "command": kept.transfer_command}
    way = next((name for name, used in ways.items() if used), "settlement")
    audit.record(
        actor=by,
        action="supply.transfer_credit",
        target=kept,
        at=at,
        after={"credit_wh": to_move_wh(kept), "by": way},
    )
    _close_item(kept, by=by, at=at)


def _open_item(replacement: Replacement, *, at: datetime) -> None:
    known = replacement.credit_wh is not None
    credit = f"transfer {kwh(to_move_wh(replacement))} kWh" if known else "read its registers"
    open_work_item(
        kind="supply",
        cause=_cause(replacement),
        summary=f"replacement {replacement} of meter {replacement.old_meter}: {credit}",
        at=at,
        meter=replacement.old_meter if not known else replacement.new_meter,
    )


def _close_item(replacement: Replacement, *, by: User, at: datetime) -> None:
    WorkItem.objects.filter(cause=_cause(replacement), closed_at=None).update(
        closed_at=at, closed_by=by
    )


def _cause(replacement: Replacement) -> str:
    return f"credit of replacement {replacement.pk}"


def locked(replacement: Replacement) -> Replacement:
    """Return a replacement and keep others from changing it until the transaction ends."""
    rows = Replacement.objects.select_for_update(of=("self",))
    return rows.select_related("old_meter", "new_meter", "agreement").get(pk=replacement.pk)


def locked_meters(*meters: int) -> dict[int, Meter]:
    """Hold meters' rows, then their links', each in one order everywhere."""
    locked = Meter.objects.select_for_update().filter(pk__in=meters).order_by("pk")
    found = {one.pk: one for one in locked}
    for pk in sorted(found):
        lock_link(found[pk])
    return found
