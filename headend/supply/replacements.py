"""Replacing a meter: the agreement and its month continue, the credit moves over once.

The credit may become known later than the meters are exchanged: until then the replacement is an
open item. `transfers` moves it over; tokens of the old meter that were not entered are in
`second_issues`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.customers.errors import InvalidAgreement
from headend.customers.models import SupplyAgreement
from headend.customers.queries import agreements_in_force
from headend.customers.services import replace_meter
from headend.design.figures import kwh
from headend.fleet.account_orders import change_payment_mode
from headend.fleet.models import WorkItem
from headend.fleet.services import lock_link
from headend.fleet.work_items import open_work_item
from headend.meters.models import Meter
from headend.meters.services import install_meter, remove_meter
from headend.supply.errors import ReplacementNotPossible
from headend.supply.handover import call_back_orders, check_registers
from headend.supply.meter_credit import explained_wh, require_none, to_move_wh
from headend.supply.models import Replacement, Settlement, Source
from headend.supply.old_tokens import require_new_key
from headend.supply.trials import Registers
from headend.supply.words import new_number

_DISPLAY_ROUNDS_WH = 10  # two decimals of a kWh


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
        InvalidAgreement: the agreement has ended, or the new meter serves somebody; that is said
            before anybody is told to clear what is on it.
        InvalidRegisters: no meter shows such figures.
    """
    require(by, "supply.replace_meter")
    if new_meter.pk == agreement.meter_id:
        raise ReplacementNotPossible(f"meter {new_meter} can't replace itself; take another")
    if (old.energy_wh is None) != (old.credit_wh is None):
        raise ReplacementNotPossible("read both registers of the old meter, or neither")
    meters = locked_meters(agreement.meter_id, new_meter.pk)
    old_meter, new_meter = meters[agreement.meter_id], meters[new_meter.pk]
    _require_free(new_meter)
    if old.energy_wh is not None and old.credit_wh is not None:
        check_registers(old_meter, energy_wh=old.energy_wh, credit_wh=old.credit_wh)
    check_registers(new_meter, energy_wh=new_energy_wh, credit_wh=new_credit_wh)
    require_none(new_meter, energy_wh=new_energy_wh, credit_wh=new_credit_wh)
    require_new_key(new_meter)
    called_back = _exchange(agreement, old_meter, new_meter, old, by=by, at=at, reason=reason)
    replacement = _noted(
        agreement, old_meter, new_meter, old, new_energy_wh, by=by, at=at, reason=reason
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
        open_item(replacement, at=at)
    _tell_unexplained(replacement, at=at)
    return replacement


def _tell_unexplained(replacement: Replacement, *, at: datetime) -> None:
    """Have somebody look at credit that one person read and that nothing else explains."""
    if replacement.credit_wh is None:
        return
    most_wh = explained_wh(replacement.old_meter)
    if most_wh is None or replacement.credit_wh <= most_wh + _DISPLAY_ROUNDS_WH:
        return
    open_work_item(
        kind="supply",
        cause=_unexplained(replacement),
        summary=f"replacement {replacement}: {replacement.registers_by} read "
        f"{kwh(replacement.credit_wh)} kWh on meter {replacement.old_meter}, but by what it told "
        f"and what was sold for it, it held {kwh(most_wh)} kWh at most; have it checked",
        at=at,
        meter=replacement.new_meter,
    )


def _require_free(meter: Meter) -> None:
    running = agreements_in_force().filter(meter=meter).first()
    if running is not None:
        raise InvalidAgreement(
            f"meter {meter} serves {running.customer} at {running.premises}; take another"
        )


def _exchange(
    agreement: SupplyAgreement,
    old_meter: Meter,
    new_meter: Meter,
    old: OldMeter,
    *,
    by: User,
    at: datetime,
    reason: str,
) -> list[str]:
    """Take one meter down and hang the other, in the same mode; return what was called back."""
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
    return called_back


def _noted(
    agreement: SupplyAgreement,
    old_meter: Meter,
    new_meter: Meter,
    old: OldMeter,
    new_energy_wh: int,
    *,
    by: User,
    at: datetime,
    reason: str,
) -> Replacement:
    known = old.credit_wh is not None
    return Replacement.objects.create(
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


@transaction.atomic
def note_registers(
    replacement: Replacement, *, energy_wh: int, credit_wh: int, by: User, at: datetime
) -> Replacement:
    """Take down what a replaced meter showed, if it could not be read then, or put it right.

    Args:
        replacement: whose credit was neither moved nor settled yet.
        energy_wh: the total, 0 or more and not below what the meter told before.
        credit_wh: what was left; below zero: used on credit.
        by: who read them; needs supply.replace_meter.
        at: now.

    Raises:
        ReplacementNotPossible: the credit was moved, or its account settled, by what was known.
        InvalidRegisters: no meter shows such figures.
    """
    require(by, "supply.replace_meter")
    locked_meters(replacement.old_meter_id)  # as a settlement does
    kept = locked(replacement)
    if not may_note(kept):
        raise ReplacementNotPossible(
            f"the registers of replacement {kept} stand: its credit was moved or settled"
        )
    check_registers(kept.old_meter, energy_wh=energy_wh, credit_wh=credit_wh)
    before = {"energy_wh": kept.energy_wh, "credit_wh": kept.credit_wh}
    kept.energy_wh, kept.credit_wh = energy_wh, credit_wh
    kept.registers_source, kept.registers_at, kept.registers_by = Source.PERSON, at, by
    kept.save()
    audit.record(
        actor=by,
        action="supply.note_registers",
        target=kept,
        at=at,
        before=before,
        after={"energy_wh": energy_wh, "credit_wh": credit_wh},
    )
    for told in (_cause(kept), _unexplained(kept)):
        _close(told, by=by, at=at)
    if is_open(kept):
        open_item(kept, at=at)
    _tell_unexplained(kept, at=at)
    return kept


def may_note(replacement: Replacement) -> bool:
    """Say whether registers of the old meter may still be entered or put right."""
    settled = Settlement.objects.filter(closing__agreement=replacement.agreement_id)
    return replacement.transferred_at is None and not settled.exists()


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


def open_item(replacement: Replacement, *, at: datetime) -> None:
    """Have somebody find out, or transfer, the credit of the old meter."""
    known = replacement.credit_wh is not None
    credit = f"transfer {kwh(to_move_wh(replacement))} kWh" if known else "read its registers"
    open_work_item(
        kind="supply",
        cause=_cause(replacement),
        summary=f"replacement {replacement} of meter {replacement.old_meter}: {credit}",
        at=at,
        meter=replacement.old_meter if not known else replacement.new_meter,
    )


def close_item(replacement: Replacement, *, by: User, at: datetime) -> None:
    """Close what `open_item` opened: nothing is left to be done about the credit."""
    _close(_cause(replacement), by=by, at=at)


def _close(cause: str, *, by: User, at: datetime) -> None:
    WorkItem.objects.filter(cause=cause, closed_at=None).update(closed_at=at, closed_by=by)


def _cause(replacement: Replacement) -> str:
    return f"credit of replacement {replacement.pk}"


def _unexplained(replacement: Replacement) -> str:
    return f"unexplained credit of replacement {replacement.pk}"


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
