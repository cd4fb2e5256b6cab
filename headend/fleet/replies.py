"""Takes the meters' answers to commands."""

from __future__ import annotations

import datetime
from typing import Any

from headend.fleet.delivery import Occurrence, State, deferral_delay, judge_answer, status_name
from headend.fleet.models import Command, MeterLink, WorkItem
from headend.fleet.steps import step
from headend.fleet.work_items import open_work_item
from headend.meters.models import Meter
from shared.wire.commands import BadMessage
from shared.wire.messages import RECEIVED


def take_ack(
    meter: Meter, link: MeterLink, claims: dict[str, Any], *, at: datetime.datetime, is_live: bool
) -> None:
    """Apply an answer to the command that it numbers; the same answer again changes nothing.

    Args:
        meter: who answers.
        link: its link, locked.
        claims: a checked ack.
        at: when it came.
        is_live: answers are never retained, so this changes nothing.

    Raises:
        BadMessage: it answers a number that was never given.
    """
    number = claims["n"]
    if number > link.last_command_number:
        raise BadMessage(f"an answer to command {number}, which was never sent")
    command = Command.objects.filter(meter=meter, number=number).first()
    if command is None:  # refused for now, and numbered anew since
        return
    if claims["stage"] == RECEIVED:
        step(command, Occurrence.METER_RECEIVED, at=at)
        return
    occurrence = judge_answer(
        command=command.command,
        status=claims["status"],
        detail=claims.get("detail", {}),
        token_identifier=command.token_identifier,
    )
    command.status = claims["status"]
    command.detail = claims.get("detail", {})
    if occurrence == Occurrence.METER_DEFERRED:
        command.deferrals += 1
        command.next_attempt_at = at + deferral_delay(command.deferrals)
    if step(command, occurrence, at=at):
        _follow_up(meter, command, at=at)


def _follow_up(meter: Meter, command: Command, *, at: datetime.datetime) -> None:
    if command.state == State.REJECTED:
        answer = status_name(command.command, command.status or 0)
        open_work_item(
            kind="delivery",
            cause=f"command {command.pk}",
            summary=f"meter {meter.drn} refused {command.command}: {answer}; "
            "look at the meter's state and decide what to send instead",
            at=at,
            meter=meter,
            command=command,
        )
    elif command.state == State.ACCEPTED:
        WorkItem.objects.filter(command=command, closed_at=None).update(closed_at=at)
