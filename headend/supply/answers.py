"""Acts on meters' own answers: closing registers, transfers, mode switches.

Each is called with the meter's link locked, in the transaction that stores the answer.
"""

from __future__ import annotations

from datetime import datetime

from headend.customers.queries import agreements_in_force
from headend.fleet import followers
from headend.fleet.delivery import State
from headend.fleet.models import Command
from headend.fleet.work_items import open_work_item
from headend.supply import closings, modes, transfers
from headend.supply.models import Closing, Source
from headend.supply.trials import Registers
from headend.vending.models import IssuedToken
from shared.wire import commands

_MANAGEMENT, _CLEAR_CREDIT = 2, 1  # class and subclass of the token that clears credit


@followers.of(commands.CLOSE_ACCOUNT)
def take_closing_registers(command: Command, *, at: datetime) -> None:
    """Keep the registers that a meter closed its account with; it has cleared its credit."""
    closing = Closing.objects.select_for_update(of=("self",)).filter(command=command).first()
    if closing is None:
        _tell_if_unsettled(command, at=at)
        return
    if command.state != State.ACCEPTED:
        _ask_for_a_person(closing, command, at=at)
        return
    if hasattr(closing, "followed_by"):
        _tell_if_unsettled(command, at=at)
        return
    cleared_wh = command.detail["cleared_wh"]
    if closing.is_open:
        registers = Registers(command.detail["energy_wh"], cleared_wh, Source.METER, at)
        closings.keep_registers(closing, registers, by=None, at=at)
    elif cleared_wh != closing.credit_wh:
        open_work_item(
            kind="supply",
            cause=f"other credit of closing {closing.pk}",
            summary=f"closing {closing} was settled with {closing.credit_wh} Wh of credit, but "
            f"meter {command.meter.drn} cleared {cleared_wh} Wh; settle the difference",
            at=at,
            meter=command.meter,
            command=command,
        )
    if not closing.cleared:
        closings.keep_cleared(
            closing, Closing.Cleared.COMMAND, by=None, at=at, note="told by the meter"
        )


@followers.of(commands.TOKEN)
def take_cleared_credit(command: Command, *, at: datetime) -> None:
    """Notice that a meter accepted a token that clears its credit."""
    if command.state != State.ACCEPTED:
        return
    clears = IssuedToken.objects.filter(
        deliveries__command=command, token_class=_MANAGEMENT, subclass=_CLEAR_CREDIT
    )
    settled = (
        Closing.objects.select_for_update(of=("self",))
        .filter(agreement__meter=command.meter_id, cleared="", registers_at__isnull=False)
        .exclude(credit_wh=0)
    )
    for closing in settled if clears.exists() else ():
        closings.keep_cleared(
            closing, Closing.Cleared.TOKEN, by=None, at=at, note="accepted by the meter"
        )


@followers.of(commands.PAYMENT_MODE)
def settle_mode_switch(command: Command, *, at: datetime) -> None:
    """Settle the switch that a meter did."""
    if command.state == State.ACCEPTED:
        modes.settle(command, at=at)


@followers.of(commands.ADJUST_CREDIT)
def follow_transfer(command: Command, *, at: datetime) -> None:
    """Notice that a new meter refused the credit of the one it replaced."""
    transfers.take_back_failed_transfer(command, at=at)


@followers.of(commands.ADJUST_CREDIT)
def follow_take_off(command: Command, *, at: datetime) -> None:
    """Notice that a meter kept credit that went to the bill."""
    modes.follow_take_off(command, at=at)


def _ask_for_a_person(closing: Closing, command: Command, *, at: datetime) -> None:
    if closing.state != Closing.State.OPEN:
        return
    open_work_item(
        kind="supply",
        cause=closings.registers_cause(closing),
        summary=f"meter {command.meter.drn} did not close its account ({command.state}): read "
        f"its registers and enter them under closing {closing}",
        at=at,
        meter=command.meter,
        command=command,
    )


def _tell_if_unsettled(command: Command, *, at: datetime) -> None:
    """An account that was closed at the meter alone leaves its customer without their credit."""
    if command.state != State.ACCEPTED:
        return
    running = agreements_in_force().filter(meter=command.meter_id).first()
    if running is None:
        return
    open_work_item(
        kind="supply",
        cause=f"account closed by command {command.pk}",
        summary=f"meter {command.meter.drn} closed its account and cleared "
        f"{command.detail['cleared_wh']} Wh of {running.customer}, whose agreement runs on; "
        "close the account or give the credit back",
        at=at,
        meter=command.meter,
        command=command,
    )
