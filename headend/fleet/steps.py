"""Moves a stored command through the table of deliveries: the only writer of its state."""

from __future__ import annotations

import datetime

from headend.announcements.services import announce
from headend.fleet import followers
from headend.fleet.delivery import FINISHED, Occurrence, State, next_state
from headend.fleet.models import Command
from shared.wire import commands

# Which moment each state stamps.
_STAMPS = {
    State.QUEUED: "numbered_at",
    State.PUBLISHED: "published_at",
    State.RECEIVED: "received_at",
}
# Ends that programs are told of; of what the head-end orders by itself they are not.
_TOLD = frozenset({State.ACCEPTED, State.REJECTED, State.EXPIRED})


def step(command: Command, occurrence: Occurrence, *, at: datetime.datetime) -> bool:
    """Apply an occurrence to a command and store it; call it with the meter's link locked.

    Args:
        command: read within the lock; other changed fields are stored along.
        occurrence: what happened.
        at: when.

    Returns:
        True if the state changed.
    """
    reached = next_state(command.state, occurrence)
    if reached is None:
        return False
    command.state = reached
    stamp = "finished_at" if reached in FINISHED else _STAMPS.get(reached)
    if stamp:
        setattr(command, stamp, at)
    if reached == State.PENDING:  # deferred: it gets a new number and new bytes
        command.number = None
        command.payload = b""
    command.save()
    if reached in FINISHED:
        followers.tell(command, at=at)
    if reached in _TOLD and (command.requested_by_id or command.command == commands.TOKEN):
        facts = {"state": str(reached), "status": command.status}
        announce("fleet.command_finished", command.pk, at=at, facts=facts)
    return True
