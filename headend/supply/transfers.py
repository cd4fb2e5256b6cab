"""Moving the credit of a replaced meter over, once.

It goes to the meter that serves now, as a token or by command, never as both, or is settled if the
account is closed before.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.customers.models import SupplyAgreement
from headend.fleet.account_orders import queue_adjust_credit
from headend.fleet.delivery import State
from headend.fleet.models import Command
from headend.fleet.services import queue_token
from headend.fleet.work_items import open_work_item
from headend.meters.models import Meter
from headend.securitymodule.services import refusals_recorded
from headend.securitymodule.tokens import Credit
from headend.supply.errors import ReplacementNotPossible
from headend.supply.meter_credit import to_move_wh
from headend.supply.models import Replacement, Settlement
from headend.supply.replacements import close_item, locked, locked_meters, open_item
from headend.vending.issuing import issue
from headend.vending.models import IssuedToken, TokenDelivery


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
        open_item(kept, at=at)
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
    close_item(kept, by=by, at=at)
