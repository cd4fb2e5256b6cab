"""Messages are stored once, and only what the meter said; whatever comes, nothing breaks."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError

from headend.fleet import ingest, numbered
from headend.fleet.ingest import Arrival, store_batch
from headend.fleet.keyring import KeyRing
from headend.fleet.models import (
    Event,
    MeterLink,
    MeterState,
    Reading,
    SecurityEvent,
    WorkItem,
)
from headend.fleet.numbered import UNREADABLE
from headend.fleet.tests.arrivals import IDENTITY, START, arrive, event, state, store, watermark
from headend.fleet.tests.fake_meter import Identity, event_claims
from headend.meters.models import Meter
from shared.wire import codes, jws


@pytest.mark.usefixtures("meter")
def test_a_message_is_stored_once_however_often_it_comes() -> None:
    store(event(1), event(1))
    store(event(1))
    assert Event.objects.count() == 1
    assert watermark() == (1, 1)


@pytest.mark.usefixtures("meter")
def test_messages_in_any_order_are_all_stored_and_covered() -> None:
    order = list(range(1, 21)) * 2
    random.Random(4).shuffle(order)
    for seq in order:
        store(event(seq))
    assert sorted(Event.objects.values_list("seq", flat=True)) == list(range(1, 21))
    assert watermark() == (1, 20)
    assert not MeterLink.objects.get().has_gap


@pytest.mark.usefixtures("meter")
def test_the_watermark_waits_for_a_lost_message() -> None:
    store(event(1), event(3), event(4))
    assert watermark() == (1, 1)
    store(event(2))
    assert watermark() == (1, 4)


@pytest.mark.usefixtures("meter")
def test_a_lost_message_that_the_meter_dropped_since_is_waited_for_no_longer() -> None:
    store(event(1), event(3))
    store(event(3, after=1))  # sent again; 2 was thinned out meanwhile
    assert watermark() == (1, 3)
    assert Event.objects.count() == 2


@pytest.mark.usefixtures("meter")
def test_a_message_that_comes_again_is_confirmed_again() -> None:
    store(event(1))
    MeterLink.objects.update(watermark_due=False)
    store(event(1))
    assert MeterLink.objects.get().watermark_due


def _reading(seq: int, end: int | None) -> Arrival:
    return arrive(
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
    store(event(1), _reading(2, end), event(3), _reading(2, end))
    reading = Reading.objects.get()
    assert reading.interval_end == START - datetime.timedelta(minutes=15)
    assert (reading.energy_wh, reading.credit_wh, reading.power_w) == (12340, 4560, 789)
    assert reading.clock_was_set
    assert watermark() == (1, 3)


@pytest.mark.usefixtures("meter")
def test_a_reading_without_a_clock_is_kept_and_marked() -> None:
    store(_reading(1, None))
    store(_reading(1, None))
    reading = Reading.objects.get()
    assert reading.interval_end == START
    assert not reading.clock_was_set


@pytest.mark.usefixtures("meter")
def test_a_fraud_event_becomes_a_work_item_once() -> None:
    for seq in (1, 2):
        claims = {**event_claims(seq), "code": codes.EVENT_COVER_OPENED}
        store(arrive("event", IDENTITY.signed("event", **claims)))
    assert WorkItem.objects.get().kind == "fraud"


def test_a_message_costs_a_bounded_number_of_queries(
    meter: Meter, django_assert_max_num_queries: Any
) -> None:
    keys = KeyRing()
    store_batch([event(1)], keys=keys)
    with django_assert_max_num_queries(75):  # one of them each: its announcement to programs
        store_batch([event(seq) for seq in range(2, 22)], keys=keys)
    assert Event.objects.filter(meter=meter).count() == 21


# --- what must not be believed -------------------------------------------------------------------

_OTHER = Identity("04000000021")


@pytest.mark.parametrize(
    ("arrival", "reason"),
    [
        (arrive("event", b""), "forged"),
        (arrive("event", b"\x00\xff" * 300), "forged"),
        (arrive("event", b"x" * 100_000), "forged"),
        (arrive("event", b"{}"), "forged"),
        (arrive("event", _OTHER.signed("event", **event_claims(1))), "forged"),
        (arrive("state", IDENTITY.signed("event", **event_claims(1))), "misaddressed"),
        (arrive("event", IDENTITY.signed("event", boot=1)), "malformed"),
        (arrive("ack", IDENTITY.signed("ack", n=1, stage="done")), "malformed"),
        (arrive("ack", IDENTITY.signed("ack", n=9, stage="received")), "malformed"),
        (arrive("gossip", IDENTITY.signed("gossip")), "malformed"),
        (arrive("online", b"one"), "malformed"),
        (arrive("online", b"9" * 400), "malformed"),
        (arrive("online", "١".encode()), "malformed"),
        (arrive("event/more", b""), "bad_topic"),
        (arrive("event", b"", drn="99999999999"), "unknown_meter"),
        (Arrival("", b"\xff", False, START), "bad_topic"),
        (Arrival("prepay/v1/\0/up/event", b"\0", False, START), "bad_topic"),
        (Arrival("prepay/v1/\ud800/up/event", b"\0", False, START), "bad_topic"),
    ],
)
@pytest.mark.usefixtures("meter")
def test_what_must_not_be_believed_is_counted_and_harms_nothing(
    arrival: Arrival, reason: str
) -> None:
    good = event(1)
    store(arrival, good, arrival)
    store(arrival)
    suspicion = SecurityEvent.objects.get()
    assert (suspicion.reason, suspicion.count) == (reason, 3)
    assert WorkItem.objects.filter(kind="security").count() == 1
    assert Event.objects.count() == 1
    assert not MeterState.objects.exists()


@pytest.mark.usefixtures("meter")
def test_a_message_of_another_meter_is_misaddressed() -> None:
    claims = {"v": 1, "kind": "event", "sub": _OTHER.drn, **event_claims(1)}
    store(arrive("event", jws.sign(claims, IDENTITY.up_key, IDENTITY.up_id)))
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
    store(event(1), event(2), event(3))
    assert SecurityEvent.objects.get().reason == "undigested"
    kept = Event.objects.order_by("seq").values_list("seq", "code")
    assert list(kept) == [
        (1, codes.EVENT_CREDIT_EXHAUSTED),
        (2, UNREADABLE),
        (3, codes.EVENT_CREDIT_EXHAUSTED),
    ]
    assert watermark() == (1, 3)


@pytest.mark.parametrize(
    "change", [{"code": 0}, {"colour": "blue"}, {"time": "noon"}, {"after": [1]}]
)
@pytest.mark.usefixtures("meter")
def test_a_numbered_message_of_unknown_form_is_kept_as_it_is_and_holds_up_nothing(
    change: dict[str, Any],
) -> None:
    claims = {**event_claims(2), **change}
    strange = arrive("event", IDENTITY.signed("event", **claims))
    for _ in range(2):
        store(event(1), strange, event(3))
    assert watermark() == (1, 3)
    kept = Event.objects.get(seq=2)
    assert kept.code == UNREADABLE
    assert kept.detail["event"]["seq"] == 2
    assert SecurityEvent.objects.get().reason == "malformed"


@pytest.mark.parametrize("text", ["\0", "\ud800", "a\0b\udfff"])
@pytest.mark.usefixtures("meter")
def test_characters_that_no_database_takes(text: str) -> None:
    event = {**event_claims(1), "detail": {text: [text]}}
    store(arrive("event", IDENTITY.signed("event", **event)), state(boot_nonce=text))
    assert Event.objects.count() == 1
    assert len(MeterState.objects.get().boot_nonce) == len(text)


@pytest.mark.usefixtures("meter")
def test_without_the_database_nothing_counts_as_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setitem(ingest._HANDLERS, "event", unreachable)
    with pytest.raises(OperationalError):
        store(event(1))
    assert not SecurityEvent.objects.exists()
