"""A meter's answers move its commands, however late or often they come."""

from __future__ import annotations

import datetime
from typing import Any

from headend.fleet import outbox, services
from headend.fleet.ingest import Arrival
from headend.fleet.keyring import KeyRing
from headend.fleet.models import (
    Command,
    SecurityEvent,
    WorkItem,
)
from headend.fleet.tests.arrivals import IDENTITY, START, arrive, state, store
from headend.meters.models import Meter
from shared.sts import result
from shared.wire import codes


def _published_token(meter: Meter, tid: int | None = 100) -> Command:
    """Queue a token to a meter that is online, and publish it."""
    command = services.queue_token(
        meter=meter, digits="1" * 20, requested_by=None, token_identifier=tid, at=START
    )
    store(arrive("online", b"1"), state())
    (publication,) = outbox.commands_due(at=START, limit=9, keys=KeyRing())
    outbox.broker_took(publication, at=START)
    command.refresh_from_db()
    return command


def _ack(command: Command, stage: str, **more: Any) -> Arrival:
    return arrive("ack", IDENTITY.signed("ack", n=command.number, stage=stage, **more))


def test_answers_move_the_command_and_repeat_without_effect(meter: Meter) -> None:
    command = _published_token(meter)
    assert command.state == "published"
    store(_ack(command, "received"))
    command.refresh_from_db()
    assert command.state == "received"
    for _ in range(2):
        store(_ack(command, "done", status=result.ACCEPT, detail={"credit_wh": 50000}))
        store(_ack(command, "received"))
        command.refresh_from_db()
        assert (command.state, command.status) == ("accepted", result.ACCEPT)
        assert command.detail == {"credit_wh": 50000}
    assert not WorkItem.objects.exists()


def test_used_with_our_own_token_identifier_counts_as_accepted(meter: Meter) -> None:
    command = _published_token(meter)
    store(_ack(command, "done", status=result.USED_ERROR))
    command.refresh_from_db()
    assert (command.state, command.status) == ("accepted", result.USED_ERROR)


def test_a_refusal_becomes_a_work_item(meter: Meter) -> None:
    command = _published_token(meter)
    for _ in range(2):
        store(_ack(command, "done", status=result.OVERFLOW_ERROR))
    command.refresh_from_db()
    assert command.state == "rejected"
    item = WorkItem.objects.get()
    assert item.command == command
    assert "OverflowError" in item.summary


def test_a_refusal_for_now_is_sent_again_under_a_new_number(meter: Meter) -> None:
    command = _published_token(meter)
    store(_ack(command, "done", status=codes.BUSY))
    first = command.number
    command.refresh_from_db()
    assert command.state == "pending"
    assert command.number is None
    assert outbox.commands_due(at=START, limit=9, keys=KeyRing()) == []
    later = START + datetime.timedelta(seconds=3)
    (publication,) = outbox.commands_due(at=later, limit=9, keys=KeyRing())
    assert publication.number == (first or 0) + 1
    store(arrive("ack", IDENTITY.signed("ack", n=first, stage="done", status=codes.BUSY)))
    command.refresh_from_db()
    assert command.state == "queued"  # the late answer to the old number changed nothing
    assert not SecurityEvent.objects.exists()


def test_a_late_answer_still_counts_and_closes_the_work_item(meter: Meter, person: Any) -> None:
    store(arrive("online", b"1"), state())
    command = services.queue_command(
        meter=meter, command="ping", arguments={}, requested_by=person, at=START
    )
    outbox.commands_due(at=START, limit=9, keys=KeyRing())
    outbox.expire(at=START + datetime.timedelta(days=1))
    command.refresh_from_db()
    assert command.state == "expired"
    assert WorkItem.objects.get().closed_at is None
    store(_ack(command, "done", status=codes.OK))
    command.refresh_from_db()
    assert command.state == "accepted"
    assert WorkItem.objects.get().closed_at is not None
