"""The gateway on real brokers: nothing is lost or doubled, whichever process dies when.

Here the gateway runs in the test's own thread, step by step, on the test's database; the
processes that are killed are in `test_gateway_killed`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from headend.fleet import ingest, outbox, services
from headend.fleet.broker_link import BrokerAddress, BrokerLink
from headend.fleet.gateway import Gateway
from headend.fleet.keyring import KeyRing
from headend.fleet.models import Command, Event, MeterLink, MeterState, SecurityEvent
from headend.fleet.tests.conftest import make_meter
from headend.fleet.tests.fake_meter import DRN, PREFIX, FakeMeter
from headend.meters.models import Meter
from shared.sts import result

OTHER_DRN = "04000000021"
PATIENCE_S = 20


class Bench:
    """A broker, meters and a gateway that is turned by hand."""

    def __init__(self, broker: Any) -> None:
        self.broker = broker
        self.meters: list[FakeMeter] = []
        self.gateway = self._make_gateway()
        self.turn_until(lambda: self.link.is_connected, "the gateway's connection")

    def _make_gateway(self) -> Gateway:
        self.link = BrokerLink(
            BrokerAddress.parse(self.broker.url), client_id="gateway-under-test", prefix=PREFIX
        )
        return Gateway(self.link)

    def replace_gateway(self) -> None:
        """End the gateway without a word, whatever it was about to say, and start another."""
        sock = self.link._client.socket()
        if sock is not None:
            sock.close()
        self.gateway = self._make_gateway()

    def add_meter(self, drn: str = DRN) -> FakeMeter:
        """Connect a meter."""
        meter = FakeMeter(self.broker.port, drn)
        self.meters.append(meter)
        meter.connect()
        return meter

    def turn_until(self, condition: Callable[[], Any], what: str) -> None:
        """Run the gateway until something is true."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"not seen in {PATIENCE_S} s: {what}"
            self.gateway.step()


@pytest.fixture
def bench(broker: Any, db: None) -> Iterator[Bench]:
    """A bench on each broker in turn."""
    made = Bench(broker)
    yield made
    for meter in made.meters:
        meter.close()
    made.link.close()


def _online(drn: str = DRN) -> bool:
    return MeterLink.objects.filter(meter__drn=drn, online=True).exists()


def _known(drn: str = DRN) -> bool:
    return MeterState.objects.filter(meter__drn=drn).exists()


def _state_is(command: Command, state: str) -> Callable[[], bool]:
    return lambda: Command.objects.filter(pk=command.pk, state=state).exists()


def _stored(count: int) -> Callable[[], bool]:
    return lambda: Event.objects.count() == count


def _token(meter: Meter, digit: str = "1") -> Command:
    return services.queue_token(
        meter=meter, digits=digit * 20, requested_by=None, token_identifier=int(digit)
    )


def test_a_token_reaches_the_meter_once_and_its_answer_comes_back(
    bench: Bench, meter: Meter
) -> None:
    fake = bench.add_meter()
    bench.turn_until(_known, "the meter's state")
    command = _token(meter)
    bench.turn_until(_state_is(command, "accepted"), "acceptance")
    assert fake.executed == [("token", {"digits": "1" * 20})]
    command.refresh_from_db()
    assert command.published_at
    assert command.received_at
    assert command.status == result.ACCEPT


def test_a_command_waits_for_a_meter_that_is_away(bench: Bench, meter: Meter) -> None:
    fake = bench.add_meter()
    bench.turn_until(_known, "the meter's state")
    fake.cut()
    bench.turn_until(lambda: not _online(), "the last will")
    command = _token(meter)
    assert outbox.commands_due(at=timezone.now(), limit=9, keys=KeyRing()) == []
    command.refresh_from_db()
    assert command.state == "pending"
    fake.connect()
    bench.turn_until(_state_is(command, "accepted"), "acceptance after coming back")
    assert len(fake.executed) == 1


def test_the_watermark_lets_the_meter_forget(bench: Bench, meter: Meter) -> None:
    fake = bench.add_meter()
    for _ in range(30):
        fake.note_event()
    bench.turn_until(fake.is_all_stored, "the watermark at the meter")
    assert Event.objects.filter(meter=meter).count() == 30
    assert fake.stored == (1, 30)


@pytest.mark.usefixtures("meter")
def test_the_broker_dies_with_its_memory(bench: Bench, meter: Meter) -> None:
    """What the broker took and lost, the meter and the outbox send again."""
    fake = bench.add_meter()
    bench.turn_until(_known, "the meter's state")
    fake.silent = True  # the command arrives, the answer never does
    command = _token(meter)
    bench.turn_until(lambda: fake.payloads, "the command at the meter")
    bench.broker.stop()
    for _ in range(5):
        fake.note_event()  # into a dead connection
    fake.silent = False
    bench.broker.start()
    bench.turn_until(_state_is(command, "accepted"), "acceptance after the broker's death")
    bench.turn_until(fake.is_all_stored, "the watermark after the broker's death")
    assert len(fake.executed) == 1
    assert len(set(fake.payloads)) == 1  # the same bytes each time
    assert sorted(Event.objects.values_list("seq", flat=True)) == [1, 2, 3, 4, 5]


def test_the_broker_loses_what_it_had_acknowledged(bench: Bench, meter: Meter) -> None:
    """The gateway is away, the broker takes events, says so, and dies with them."""
    fake = bench.add_meter()
    bench.turn_until(_known, "the meter's state")
    bench.link.drop()
    for _ in range(5):
        fake.note_event()
    bench.broker.stop()
    bench.broker.start()
    bench.turn_until(fake.is_all_stored, "the events after all")
    assert Event.objects.filter(meter=meter).count() == 5


def test_a_gateway_that_died_before_acknowledging_stores_nothing_twice(
    bench: Bench, meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = bench.add_meter()
    bench.turn_until(_known, "the meter's state")
    monkeypatch.setattr(bench.link, "acknowledge", lambda messages: None)
    for _ in range(5):
        fake.note_event()
    bench.turn_until(_stored(5), "the events, unacknowledged")
    bench.replace_gateway()
    command = _token(meter)
    bench.turn_until(_state_is(command, "accepted"), "the new gateway at work")
    bench.turn_until(fake.is_all_stored, "the watermark")
    assert Event.objects.count() == 5


def test_two_meters_do_not_wait_for_each_other(bench: Bench, meter: Meter) -> None:
    other = make_meter(OTHER_DRN)
    mute, fake = bench.add_meter(), bench.add_meter(OTHER_DRN)
    mute.silent = True
    bench.turn_until(lambda: _known() and _known(OTHER_DRN), "both states")
    stuck = _token(meter)
    passed = [_token(other, digit) for digit in "123"]
    bench.turn_until(_state_is(passed[-1], "accepted"), "the other meter's last token")
    assert [args["digits"][0] for _, args in fake.executed] == ["1", "2", "3"]
    stuck.refresh_from_db()
    assert stuck.state == "published"


@pytest.mark.usefixtures("meter")
def test_a_flood_of_rubbish_is_acknowledged_and_counted(bench: Bench) -> None:
    fake = bench.add_meter()
    bench.turn_until(_known, "the meter's state")
    for _ in range(150):  # more than a broker keeps unacknowledged
        fake.publish("event", b"rubbish")
    fake.note_event()
    bench.turn_until(fake.is_all_stored, "the one true event")
    assert SecurityEvent.objects.get().count == 150


def test_what_could_not_be_stored_stays_with_the_broker(
    bench: Bench, meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The meter has gone for good, so only the broker can deliver a second time."""
    fake = bench.add_meter()
    bench.turn_until(_known, "the meter's state")

    def unreachable(*_: Any, **__: Any) -> None:
        raise OperationalError("gone")

    store_batch = ingest.store_batch
    monkeypatch.setattr(ingest, "store_batch", unreachable)
    monkeypatch.setattr(connections["default"], "close", lambda: None)  # it is the test's
    for _ in range(5):
        fake.note_event()
    fake.flush()
    fake.close()
    stop = _StopAfterPause()
    bench.gateway.run(stop)
    assert stop.pauses == 1
    assert Event.objects.count() == 0
    monkeypatch.setattr(ingest, "store_batch", store_batch)
    bench.replace_gateway()
    bench.turn_until(_stored(5), "the events from the broker")
    assert Event.objects.filter(meter=meter).count() == 5


class _StopAfterPause(threading.Event):
    """Ends a gateway at its first pause, which it takes when the database is out of reach."""

    pauses = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses += 1
        self.set()
        return True


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://127.0.0.1", BrokerAddress("127.0.0.1", 1883, None, None, False)),
        ("mqtt://h:21883", BrokerAddress("h", 21883, None, None, False)),
        ("mqtts://u:p%40@h", BrokerAddress("h", 8883, "u", "p@", True)),
    ],
)
def test_broker_addresses(url: str, expected: BrokerAddress) -> None:
    assert BrokerAddress.parse(url) == expected
