"""The real meter and link, inside each interpreter, while real brokers die and lines break."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from firmware.meter.tests import kit
from firmware.meter.tests.link_program import PREFIX
from shared.sts import result
from shared.wire import codes, jws, messages, topics
from shared.wire.keys import derive_link_keys, key_id
from tools import interpreters
from tools.testing import parts
from tools.testing.brokers import Broker

PROGRAM = Path(__file__).parent / "link_program.py"
GENERATION = kit.IDENTITY["link_generation"]
UP_KEY, DOWN_KEY, _ = derive_link_keys(kit.IDENTITY["link_root"], GENERATION)
UP_ID, DOWN_ID = key_id("up", GENERATION), key_id("down", GENERATION)
KEEPALIVE_S = 2
PATIENCE_S = 20


class Line:
    """A TCP line to the broker that can be cut, and frozen: open, but nothing passes."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[socket.socket] = []
        self._frozen: set[socket.socket] = set()
        self._broken = False
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                meter, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            try:
                if self._broken:
                    raise OSError("line is cut")
                broker = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                meter.close()
                continue
            self._pairs += [meter, broker]
            for one, other in ((meter, broker), (broker, meter)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(4096):
                if one not in self._frozen:
                    other.sendall(data)
        except OSError:
            pass
        finally:
            if one not in self._frozen:
                one.close()
                other.close()

    def cut(self) -> None:
        """Break what is open and whatever is tried from now on."""
        self._broken = True
        for each in self._pairs:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()
        self._pairs = []

    def mend(self) -> None:
        """Let new connections through again."""
        self._broken = False

    def freeze(self) -> None:
        """Let nothing pass on what is open now; new connections work."""
        self._frozen.update(self._pairs)

    def close(self) -> None:
        self._listener.close()
        self.cut()


class HeadEnd:
    """The other end: verifies and keeps what the meter says, and signs commands."""

    def __init__(self, port: int) -> None:
        self.news = threading.Condition()
        self.heard: list[tuple[str, Any]] = []
        self.n = 0
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "headend")
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe(topics.all_up(PREFIX), 1)
        self.subscribed = threading.Event()
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        drn, kind = topics.parse_up(message.topic, PREFIX)
        said: Any = bytes(message.payload)
        if kind != "online":
            said = jws.verify(said, UP_KEY, UP_ID)
            messages.check_up(kind, said, drn)
        with self.news:
            self.heard.append((kind, said))
            self.news.notify_all()

    def wait(self, kind: str, wanted: Callable[[Any], bool] = lambda _: True) -> Any:
        """Return the first message of a kind that is `wanted`, and forget it."""
        deadline = time.monotonic() + PATIENCE_S
        with self.news:
            while True:
                for place, (each, said) in enumerate(self.heard):
                    if each == kind and wanted(said):
                        del self.heard[place]
                        return said
                left = deadline - time.monotonic()
                assert self.news.wait(left), f"no such {kind} among {self.heard}"

    def seen(self, kind: str) -> list[Any]:
        """Return what is kept of one kind."""
        with self.news:
            return [said for each, said in self.heard if each == kind]

    def command(self, cmd: str, args: dict[str, Any], **more: Any) -> bytes:
        """Return the bytes of the next command."""
        self.n += 1
        claims = messages.command_claims(kit.DRN, self.n, kit.NOW, cmd, args, **more)
        return jws.sign(claims, DOWN_KEY, DOWN_ID)

    def send(self, payload: bytes) -> None:
        self.client.publish(topics.down(kit.DRN, PREFIX), payload, 1).wait_for_publish(PATIENCE_S)

    def answer(self, n: int) -> dict[str, Any]:
        """Return the meter's answer to a command."""
        found: dict[str, Any] = self.wait(
            "ack", lambda ack: ack["n"] == n and ack["stage"] == "done"
        )
        return found

    def store(self, message: dict[str, Any]) -> None:
        """Tell the meter that everything up to a message is stored."""
        claims = messages.stored_claims(kit.DRN, message["boot"], message["seq"])
        signed = jws.sign(claims, DOWN_KEY, DOWN_ID)
        topic = topics.stored(kit.DRN, PREFIX)
        self.client.publish(topic, signed, 1, retain=True).wait_for_publish(PATIENCE_S)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Story:
    """All parts of one test."""

    def __init__(self, broker: Broker, program: list[str], log: Path) -> None:
        self.broker = broker
        self.line = Line(broker.port)
        self.headend = HeadEnd(broker.port)
        self.log = log
        environment = dict(
            os.environ,
            MICROPYPATH=f"{interpreters.REPOSITORY}:.frozen",
            PYTHONPATH=str(interpreters.REPOSITORY),
        )
        with log.open("wb") as output:
            self.meter = subprocess.Popen(
                [*program, str(PROGRAM), str(self.line.port), str(KEEPALIVE_S)],
                env=environment,
                stdout=output,
                stderr=output,
            )
        self.tokens = kit.Bench()

    def close(self) -> None:
        self.meter.kill()
        self.meter.wait()
        self.line.close()
        self.headend.close()


@pytest.fixture(params=["cpython", *interpreters.INTERPRETERS])
def story(request: pytest.FixtureRequest, broker: Broker, tmp_path: Path) -> Iterator[Story]:
    """Run a meter in each interpreter, linked to each kind of broker."""
    if request.param == "cpython":
        program = [sys.executable]
    else:
        try:
            program = interpreters.command(request.param)
        except interpreters.InterpreterMissing as error:
            parts.missing(str(error))
        program = [*program, "-X", "heapsize=2M"]
    running = Story(broker, program, tmp_path / "meter.log")
    yield running
    running.close()
    print(running.log.read_text())


def test_commands_survive_brokers_and_lines_that_fail(story: Story) -> None:
    headend, line = story.headend, story.line

    # It introduces itself.
    boot = headend.wait("online")
    state = headend.wait("state")
    assert boot == str(state["boot"]).encode()
    first = headend.wait("event", lambda event: event["code"] == codes.EVENT_POWER_UP)
    assert first["after"] == [0, 0]

    # A token takes effect once, however often its bytes come.
    token = headend.command("token", {"digits": story.tokens.credit_token(500)})
    headend.send(token)
    answer = headend.answer(1)
    assert (answer["status"], answer["detail"]["credited_wh"]) == (result.ACCEPT, 50000)
    headend.send(token)
    assert headend.answer(1) == answer
    assert headend.wait("state", lambda state: state["last_n"] == 1)["credit_wh"] == 50000

    # Forgery is noted, not answered.
    headend.send(token[:-4] + b"AAAA")
    forged = headend.wait("event", lambda event: event["code"] == codes.EVENT_COMMAND_FORGED)
    headend.store(forged)

    # The line breaks; what is published meanwhile waits in the broker's session.
    line.cut()
    headend.wait("online", lambda boot: boot == b"")
    headend.send(headend.command("configure", {"low_credit_wh": 7000}))
    line.mend()
    assert headend.answer(2)["status"] == codes.OK
    changed = headend.wait("event", lambda event: event["code"] == codes.EVENT_CONFIGURED)
    assert headend.wait("state", lambda state: state["last_n"] == 2)["low_credit_wh"] == 7000

    # The broker dies, and all that it knew with it: the meter subscribes and tells again.
    line.cut()
    story.broker.stop()
    headend.heard.clear()
    headend.subscribed.clear()
    story.broker.start()
    # Such a broker keeps an event for nobody: the head-end listens again before the meter tells.
    assert headend.subscribed.wait(PATIENCE_S)
    line.mend()
    headend.wait("online", lambda again: again == boot)
    again = headend.wait("event")
    assert (again["boot"], again["seq"]) == (changed["boot"], changed["seq"])
    headend.store(again)
    headend.send(headend.command("ping", {}))
    assert headend.answer(3)["status"] == codes.OK

    # The line goes dead without a word: the keepalive notices.
    tries = line.accepted
    line.freeze()
    headend.send(headend.command("token", {"digits": story.tokens.credit_token(10)}))
    assert headend.answer(4)["status"] == result.ACCEPT
    assert line.accepted > tries
    headend.wait("state", lambda state: state["credit_wh"] == 51000)

    # What was stored is not sent again.
    old = (changed["boot"], changed["seq"])
    assert all((event["boot"], event["seq"]) > old for event in headend.seen("event"))
    assert story.meter.poll() is None
