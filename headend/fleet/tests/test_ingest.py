"""Messages are stored once, and only what the meter said; whatever comes, nothing breaks."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError

from headend.customers.models import SupplyAgreement
from headend.fleet import ingest, numbered, outbox, services
from headend.fleet.ingest import Arrival, store_batch
from headend.fleet.keyring import KeyRing
from headend.fleet.models import (
    Command,
    Event,
    MeterLink,
    MeterState,
    Reading,
    SecurityEvent,
    WorkItem,
)
from headend.fleet.numbered import UNREADABLE
from headend.fleet.tests.fake_meter import (
    DRN,
    PREFIX,
    Identity,
    event_claims,
    now,
    state_claims,
)
from headend.meters.models import Meter
from headend.notifications.models import Notification
from shared.sts import result
from shared.wire import codes, topics

IDENTITY = Identity()
START = datetime.datetime(2026, 11, 21, 8, 0, tzinfo=datetime.UTC)


def _arrive(
    kind: str,
    payload: bytes,
    *,
    retained: bool = False,
    at: datetime.datetime = START,
    drn: str = DRN,
) -> Arrival:
    return Arrival(
        topic=topics.up(drn, kind, PREFIX), payload=payload, is_retained=retained, at=at
    )


def _store(*arrivals: Arrival) -> None:
    store_batch(arrivals, keys=KeyRing())


def _event(seq: int, **changes: Any) -> Arrival:
    return _arrive("event", IDENTITY.signed("event", **event_claims(seq, **changes)))


def _state(*, retained: bool = False, at: datetime.datetime = START, **changes: Any) -> Arrival:
    changes.setdefault("time", int(at.timestamp()))
    payload = IDENTITY.signed("state", **state_claims(**changes))
    return _arrive("state", payload, retained=retained, at=at)


def _watermark() -> tuple[int, int]:
    link = MeterLink.objects.get()
    return link.stored_boot, link.stored_seq


# --- numbered messages ---------------------------------------------------------------------------


@pytest.mark.usefixtures("meter")
def test_a_message_is_stored_once_however_often_it_comes() -> None:
    _store(_event(1), _event(1))
    _store(_event(1))
    assert Event.objects.count() == 1
    assert _watermark() == (1, 1)


@pytest.mark.usefixtures("meter")
def test_messages_in_any_order_are_all_stored_and_covered() -> None:
    order = list(range(1, 21)) * 2
    random.Random(4).shuffle(order)
    for seq in order:
        _store(_event(seq))
    assert sorted(Event.objects.values_list("seq", flat=True)) == list(range(1, 21))
    assert _watermark() == (1, 20)
    assert not MeterLink.objects.get().has_gap


@pytest.mark.usefixtures("meter")
def test_the_watermark_waits_for_a_lost_message() -> None:
    _store(_event(1), _event(3), _event(4))
    assert _watermark() == (1, 1)
    _store(_event(2))
    assert _watermark() == (1, 4)


@pytest.mark.usefixtures("meter")
def test_a_lost_message_that_the_meter_dropped_since_is_waited_for_no_longer() -> None:
    _store(_event(1), _event(3))
    _store(_event(3, after=1))  # sent again; 2 was thinned out meanwhile
    assert _watermark() == (1, 3)
    assert Event.objects.count() == 2


@pytest.mark.usefixtures("meter")
def test_a_message_that_comes_again_is_confirmed_again() -> None:
    _store(_event(1))
    MeterLink.objects.update(watermark_due=False)
    _store(_event(1))
    assert MeterLink.objects.get().watermark_due


def _reading(seq: int, end: int | None) -> Arrival:
    return _arrive(
        "reading",
        IDENTITY.signed(
            "reading",
            boot=1,
            seq=seq,
            after=[1, seq - 1],
            end=end,
            registers={"1.8.0": 12340},
            credit_wh=4560,
            power_w=789,
        ),
    )


@pytest.mark.usefixtures("meter")
def test_readings_share_the_numbering_with_events() -> None:
    end = int(START.timestamp()) - 900
    _store(_event(1), _reading(2, end), _event(3), _reading(2, end))
    reading = Reading.objects.get()
    assert reading.interval_end == START - datetime.timedelta(minutes=15)
    assert (reading.energy_wh, reading.credit_wh, reading.power_w) == (12340, 4560, 789)
    assert reading.clock_was_set
    assert _watermark() == (1, 3)


@pytest.mark.usefixtures("meter")
def test_a_reading_without_a_clock_is_kept_and_marked() -> None:
    _store(_reading(1, None))
    _store(_reading(1, None))
    reading = Reading.objects.get()
    assert reading.interval_end == START
    assert not reading.clock_was_set


@pytest.mark.usefixtures("meter")
def test_a_fraud_event_becomes_a_work_item_once() -> None:
    for seq in (1, 2):
        claims = {**event_claims(seq), "code": codes.EVENT_COVER_OPENED}
        _store(_arrive("event", IDENTITY.signed("event", **claims)))
    assert WorkItem.objects.get().kind == "fraud"


# --- what must not be believed -------------------------------------------------------------------

_OTHER = Identity("04000000021")


@pytest.mark.parametrize(
    ("arrival", "reason"),
    [
        (_arrive("event", b""), "forged"),
        (_arrive("event", b"\x00\xff" * 300), "forged"),
        (_arrive("event", b"x" * 100_000), "forged"),
        (_arrive("event", b"{}"), "forged"),
        (_arrive("event", _OTHER.signed("event", **event_claims(1))), "forged"),
        (_arrive("state", IDENTITY.signed("event", **event_claims(1))), "misaddressed"),
        (_arrive("event", IDENTITY.signed("event", boot=1)), "malformed"),
        (_arrive("ack", IDENTITY.signed("ack", n=1, stage="done")), "malformed"),
        (_arrive("ack", IDENTITY.signed("ack", n=9, stage="received")), "malformed"),
        (_arrive("gossip", IDENTITY.signed("gossip")), "malformed"),
        (_arrive("online", b"one"), "malformed"),
        (_arrive("online", b"9" * 400), "malformed"),
        (_arrive("online", "١".encode()), "malformed"),
        (_arrive("event/more", b""), "bad_topic"),
        (_arrive("event", b"", drn="99999999999"), "unknown_meter"),
        (Arrival("", b"\xff", False, START), "bad_topic"),
        (Arrival("prepay/v1/\0/up/event", b"\0", False, START), "bad_topic"),
        (Arrival("prepay/v1/\ud800/up/event", b"\0", False, START), "bad_topic"),
    ],
)
@pytest.mark.usefixtures("meter")
def test_what_must_not_be_believed_is_counted_and_harms_nothing(
    arrival: Arrival, reason: str
) -> None:
    good = _event(1)
    _store(arrival, good, arrival)
    _store(arrival)
    suspicion = SecurityEvent.objects.get()
    assert (suspicion.reason, suspicion.count) == (reason, 3)
    assert WorkItem.objects.filter(kind="security").count() == 1
    assert Event.objects.count() == 1
    assert not MeterState.objects.exists()


@pytest.mark.usefixtures("meter")
def test_a_message_of_another_meter_is_misaddressed() -> None:
    claims = {"v": 1, "kind": "event", "sub": _OTHER.drn, **event_claims(1)}
    from shared.wire import jws

    _store(_arrive("event", jws.sign(claims, IDENTITY.up_key, IDENTITY.up_id)))
    assert SecurityEvent.objects.get().reason == "misaddressed"
    assert not Event.objects.exists()


@pytest.mark.usefixtures("meter")
def test_a_message_that_breaks_our_code_is_set_aside_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def break_on_two(meter: Any, link: Any, claims: dict[str, Any], **_: Any) -> None:
        if claims["seq"] == 2:
            raise IntegrityError("as a bug of ours would")
        numbered.take_event(meter, link, claims, at=START, is_live=True)

    monkeypatch.setitem(ingest._HANDLERS, "event", break_on_two)
    _store(_event(1), _event(2), _event(3))
    assert SecurityEvent.objects.get().reason == "undigested"
    kept = Event.objects.order_by("seq").values_list("seq", "code")
    assert list(kept) == [
        (1, codes.EVENT_CREDIT_EXHAUSTED),
        (2, UNREADABLE),
        (3, codes.EVENT_CREDIT_EXHAUSTED),
    ]
    assert _watermark() == (1, 3)


@pytest.mark.parametrize(
    "change", [{"code": 0}, {"colour": "blue"}, {"time": "noon"}, {"after": [1]}]
)
@pytest.mark.usefixtures("meter")
def test_a_numbered_message_of_unknown_form_is_kept_as_it_is_and_holds_up_nothing(
    change: dict[str, Any],
) -> None:
    claims = {**event_claims(2), **change}
    strange = _arrive("event", IDENTITY.signed("event", **claims))
    for _ in range(2):
        _store(_event(1), strange, _event(3))
    assert _watermark() == (1, 3)
    kept = Event.objects.get(seq=2)
    assert kept.code == UNREADABLE
    assert kept.detail["event"]["seq"] == 2
    assert SecurityEvent.objects.get().reason == "malformed"


@pytest.mark.parametrize("text", ["\0", "\ud800", "a\0b\udfff"])
@pytest.mark.usefixtures("meter")
def test_characters_that_no_database_takes(text: str) -> None:
    event = {**event_claims(1), "detail": {text: [text]}}
    _store(_arrive("event", IDENTITY.signed("event", **event)), _state(boot_nonce=text))
    assert Event.objects.count() == 1
    assert len(MeterState.objects.get().boot_nonce) == len(text)


@pytest.mark.usefixtures("meter")
def test_without_the_database_nothing_counts_as_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setitem(ingest._HANDLERS, "event", unreachable)
    with pytest.raises(OperationalError):
        _store(_event(1))
    assert not SecurityEvent.objects.exists()


# --- state and presence --------------------------------------------------------------------------


@pytest.mark.usefixtures("meter")
def test_only_a_newer_state_counts() -> None:
    _store(_state(boot=2, revision=5, credit_wh=700))
    _store(_state(boot=2, revision=4, credit_wh=9000), _state(boot=1, revision=99, credit_wh=1))
    assert MeterState.objects.get().credit_wh == 700
    _store(_state(boot=3, revision=1, credit_wh=650))
    assert MeterState.objects.get().credit_wh == 650


@pytest.mark.usefixtures("meter")
def test_presence_follows_the_meter_and_its_last_will() -> None:
    _store(_arrive("online", b"7"))
    assert MeterLink.objects.get().online
    assert MeterLink.objects.get().boot == 7
    _store(_arrive("online", b""))
    assert not MeterLink.objects.get().online
    _store(_event(1))  # whoever speaks is there
    assert MeterLink.objects.get().online


@pytest.mark.usefixtures("meter")
def test_a_retained_state_tells_nothing_of_now() -> None:
    _store(_state(retained=True))
    link = MeterLink.objects.get()
    assert not link.online
    assert link.last_heard_at is None
    assert MeterState.objects.exists()


# --- answers -------------------------------------------------------------------------------------


def _published_token(meter: Meter, tid: int | None = 100) -> Command:
    """Queue a token to a meter that is online, and publish it."""
    command = services.queue_token(
        meter=meter, digits="1" * 20, requested_by=None, token_identifier=tid, at=START
    )
    _store(_arrive("online", b"1"), _state())
    (publication,) = outbox.commands_due(at=START, limit=9, keys=KeyRing())
    outbox.broker_took(publication, at=START)
    command.refresh_from_db()
    return command


def _ack(command: Command, stage: str, **more: Any) -> Arrival:
    return _arrive("ack", IDENTITY.signed("ack", n=command.number, stage=stage, **more))


def test_answers_move_the_command_and_repeat_without_effect(meter: Meter) -> None:
    command = _published_token(meter)
    assert command.state == "published"
    _store(_ack(command, "received"))
    command.refresh_from_db()
    assert command.state == "received"
    for _ in range(2):
        _store(_ack(command, "done", status=result.ACCEPT, detail={"credit_wh": 50000}))
        _store(_ack(command, "received"))
        command.refresh_from_db()
        assert (command.state, command.status) == ("accepted", result.ACCEPT)
        assert command.detail == {"credit_wh": 50000}
    assert not WorkItem.objects.exists()


def test_used_with_our_own_token_identifier_counts_as_accepted(meter: Meter) -> None:
    command = _published_token(meter)
    _store(_ack(command, "done", status=result.USED_ERROR))
    command.refresh_from_db()
    assert (command.state, command.status) == ("accepted", result.USED_ERROR)


def test_a_refusal_becomes_a_work_item(meter: Meter) -> None:
    command = _published_token(meter)
    for _ in range(2):
        _store(_ack(command, "done", status=result.OVERFLOW_ERROR))
    command.refresh_from_db()
    assert command.state == "rejected"
    item = WorkItem.objects.get()
    assert item.command == command
    assert "OverflowError" in item.summary


def test_a_refusal_for_now_is_sent_again_under_a_new_number(meter: Meter) -> None:
    command = _published_token(meter)
    _store(_ack(command, "done", status=codes.BUSY))
    first = command.number
    command.refresh_from_db()
    assert command.state == "pending"
    assert command.number is None
    assert outbox.commands_due(at=START, limit=9, keys=KeyRing()) == []
    later = START + datetime.timedelta(seconds=3)
    (publication,) = outbox.commands_due(at=later, limit=9, keys=KeyRing())
    assert publication.number == (first or 0) + 1
    _store(_arrive("ack", IDENTITY.signed("ack", n=first, stage="done", status=codes.BUSY)))
    command.refresh_from_db()
    assert command.state == "queued"  # the late answer to the old number changed nothing
    assert not SecurityEvent.objects.exists()


def test_a_late_answer_still_counts_and_closes_the_work_item(meter: Meter, person: Any) -> None:
    _store(_arrive("online", b"1"), _state())
    command = services.queue_command(
        meter=meter, command="ping", arguments={}, requested_by=person, at=START
    )
    outbox.commands_due(at=START, limit=9, keys=KeyRing())
    outbox.expire(at=START + datetime.timedelta(days=1))
    command.refresh_from_db()
    assert command.state == "expired"
    assert WorkItem.objects.get().closed_at is None
    _store(_ack(command, "done", status=codes.OK))
    command.refresh_from_db()
    assert command.state == "accepted"
    assert WorkItem.objects.get().closed_at is not None


# --- low credit and what the head-end does of itself ------------------------------------------


@pytest.mark.usefixtures("agreement")
def test_one_notification_per_drop() -> None:
    for revision, credit_wh in enumerate([6000, 4900, 4800, 4000, 30000, 4999, 10], start=1):
        _store(_state(revision=revision, credit_wh=credit_wh))
    bodies = list(Notification.objects.order_by("id").values_list("body", flat=True))
    assert len(bodies) == 2
    assert "4.9 kWh" in bodies[0]
    assert Notification.objects.filter(recipient="Thandi Dlamini").count() == 2


def test_the_meters_own_warning_follows_the_agreement(agreement: SupplyAgreement) -> None:
    agreement.low_credit_threshold_wh = 8000
    agreement.save()
    _store(_state(revision=1))
    _store(_state(revision=2))
    order = Command.objects.get(command="configure")
    assert order.arguments == {"low_credit_wh": 8000, "low_credit_hysteresis_wh": 800}
    _store(_state(revision=3, low_credit_wh=8000))
    assert Command.objects.count() == 1


@pytest.mark.parametrize(
    ("clock", "seconds_wrong", "orders"),
    [("unset", 0, 1), ("restored", 0, 1), ("set", 0, 0), ("set", 90, 1), ("simulated", 9999, 0)],
)
@pytest.mark.usefixtures("meter")
def test_clocks_are_set_when_they_need_it(clock: str, seconds_wrong: int, orders: int) -> None:
    time = None if clock == "unset" else int(START.timestamp()) - seconds_wrong
    _store(_state(revision=1, clock=clock, time=time))
    _store(_state(revision=2, clock=clock, time=time))
    assert Command.objects.filter(command="set_clock").count() == orders


def test_a_message_costs_a_bounded_number_of_queries(
    meter: Meter, django_assert_max_num_queries: Any
) -> None:
    keys = KeyRing()
    store_batch([_event(1)], keys=keys)
    with django_assert_max_num_queries(75):  # programs are told of these events: one more each
        store_batch([_event(seq) for seq in range(2, 22)], keys=keys)
    assert now() > START or Event.objects.filter(meter=meter).count() == 21
