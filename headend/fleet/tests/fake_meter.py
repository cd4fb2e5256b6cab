"""A scripted meter: what a real one says and does on the wire, without the rest of a meter.

It keeps in a dictionary what a meter keeps in its journal, so a test can end and start its
connection, and the broker, as it likes.
"""

from __future__ import annotations

import datetime
import hashlib
import threading
import time
from collections import deque
from typing import Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from headend.securitymodule.derivation import derive_link_root
from shared.sts import result
from shared.wire import codes, commands, jws, topics
from shared.wire.keys import derive_link_keys, key_id

DRN = "04000000013"
SGC = "201457"
MESSAGE_ROOT = bytes(range(32))
GENERATION = 1
PREFIX = "prepay/v1"
RESEND_S = 1.0  # a real meter waits longer before it sends again what is not covered


def now() -> datetime.datetime:
    """Return the time, in UTC."""
    return datetime.datetime.now(datetime.UTC)


class Identity:
    """The keys of a meter, and messages signed with them."""

    def __init__(self, drn: str = DRN, generation: int = GENERATION) -> None:
        self.drn = drn
        root = derive_link_root(MESSAGE_ROOT, drn, generation)
        self.up_key, self.down_key, _ = derive_link_keys(root, generation)
        self.up_id, self.down_id = key_id("up", generation), key_id("down", generation)

    def signed(self, kind: str, **claims: Any) -> bytes:
        """Return a message of this meter."""
        return jws.sign({**commands.envelope(kind, self.drn), **claims}, self.up_key, self.up_id)

    def read(self, payload: bytes) -> dict[str, Any]:
        """Return the claims of a message to this meter."""
        claims: dict[str, Any] = jws.verify(payload, self.down_key, self.down_id)
        return claims


def state_claims(**changes: Any) -> dict[str, Any]:
    """Return the fields of a state: installed, in credit, clock set."""
    return {
        "boot": 1,
        "revision": 1,
        "boot_nonce": "abcd",
        "last": [0, 0],
        "last_n": 0,
        "time": int(now().timestamp()),
        "clock": "set",
        "payment_mode": "prepayment",
        "account_status": "active",
        "credit_status": "in_credit",
        "credit_wh": 20000,
        "low_credit_wh": 5000,
        "load_closed": True,
        "open_reasons": [],
        "energy_wh": 0,
        "power_w": 0,
        "sgc": SGC,
        "krn": 1,
        "ti": 1,
        "firmware": "test",
        **changes,
    }


def event_claims(seq: int, *, after: int | None = None, boot: int = 1) -> dict[str, Any]:
    """Return the fields of an event, numbered after the one before it unless told otherwise."""
    before = seq - 1 if after is None else after
    return {
        "boot": boot,
        "seq": seq,
        "after": [boot if before else 0, before],
        "code": codes.EVENT_CREDIT_EXHAUSTED,
        "time": int(now().timestamp()),
    }


class FakeMeter:
    """A meter on a broker.

    Args:
        port: the broker's on 127.0.0.1.
        drn: the meter's number.

    Attributes:
        executed: (cmd, args) of every command that took effect, in order.
        token_results: what to answer to tokens; Accept when it runs out.
        silent: if set, commands are taken but nothing is done or answered.
    """

    def __init__(self, port: int, drn: str = DRN) -> None:
        self.identity = Identity(drn)
        self.drn = drn
        self._port = port
        self._lock = threading.Lock()
        self.executed: list[tuple[str, dict[str, Any]]] = []
        self.payloads: list[bytes] = []
        self.token_results: list[int] = []
        self.silent = False
        self.boot = 1
        self.last_n = 0
        self._answers: dict[tuple[int, bytes], dict[str, Any]] = {}
        self._revision = 0
        self._kept: list[tuple[tuple[int, int], str, dict[str, Any]]] = []
        self.stored = (0, 0)
        self._seq = 0
        self.state_changes: dict[str, Any] = {}
        self._sent_at = 0.0
        self._said: deque[mqtt.MQTTMessageInfo] = deque(maxlen=10)
        self._client: mqtt.Client | None = None

    # --- power and wires -----------------------------------------------------------------------

    def connect(self) -> None:
        """Connect, and stay connected: paho comes back by itself when the broker does."""
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.drn,
            clean_session=False,
            protocol=mqtt.MQTTv311,
        )
        client.reconnect_delay_set(min_delay=1, max_delay=1)
        client.will_set(topics.up(self.drn, "online", PREFIX), b"", qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.connect("127.0.0.1", self._port, keepalive=10)
        self._client = client
        client.loop_start()

    def cut(self) -> None:
        """Lose the connection without a word, as at a power cut."""
        assert self._client is not None
        self._client.loop_stop()
        sock = self._client.socket()
        if sock is not None:
            sock.close()
        self._client = None

    def close(self) -> None:
        """Stop for good."""
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def flush(self) -> None:
        """Wait until the broker has taken what was said last."""
        for said in list(self._said):
            said.wait_for_publish(5)

    # --- what the meter says -------------------------------------------------------------------

    def say(self, kind: str, *, retain: bool = False, **claims: Any) -> None:
        """Publish a signed message."""
        self.publish(kind, self.identity.signed(kind, **claims), retain=retain)

    def publish(self, kind: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish bytes as a message of this meter."""
        if self._client is not None:
            topic = topics.up(self.drn, kind, PREFIX)
            self._said.append(self._client.publish(topic, payload, qos=1, retain=retain))

    def say_state(self, **changes: Any) -> None:
        """Publish the state, with lasting changes."""
        with self._lock:
            self.state_changes.update(changes)
            self._revision += 1
            claims = state_claims(
                boot=self.boot,
                revision=self._revision,
                last=[self.boot, self._seq] if self._seq else [0, 0],
                last_n=self.last_n,
                **self.state_changes,
            )
        self.say("state", retain=True, **claims)

    def note_event(self, code: int = codes.EVENT_CREDIT_EXHAUSTED) -> None:
        """Number an event, keep it until it is stored, and send it."""
        with self._lock:
            self._seq += 1
            number = (self.boot, self._seq)
            after = self._kept[-1][0] if self._kept else self.stored
            body = {"code": code, "time": int(now().timestamp()), "after": list(after)}
            self._kept.append((number, "event", body))
        self._send(number, "event", body)

    def _send(self, number: tuple[int, int], kind: str, body: dict[str, Any]) -> None:
        self.say(kind, boot=number[0], seq=number[1], **body)

    def is_all_stored(self) -> bool:
        """Say whether the watermark covers everything; if not for long, send it again."""
        if self._kept and time.monotonic() - self._sent_at > RESEND_S:
            self._send_all()
        return not self._kept

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe(
            [(topics.down(self.drn, PREFIX), 1), (topics.stored(self.drn, PREFIX), 1)]
        )
        client.publish(topics.up(self.drn, "online", PREFIX), str(self.boot), qos=1, retain=True)
        self.say_state()
        self._send_all()

    def _send_all(self) -> None:
        """Send what is not stored, from the watermark on."""
        self._sent_at = time.monotonic()
        with self._lock:
            waiting = list(self._kept)
        for number, kind, body in waiting:
            self._send(number, kind, body)

    # --- what the meter is told ----------------------------------------------------------------

    def _on_message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        payload = bytes(message.payload)
        claims = self.identity.read(payload)
        if message.topic.endswith("/stored"):
            self._forget((claims["boot"], claims["seq"]))
            return
        self.payloads.append(payload)
        if not self.silent:
            self._take(claims, hashlib.sha256(payload).digest())

    def _forget(self, number: tuple[int, int]) -> None:
        with self._lock:
            self.stored = max(self.stored, number)
            self._kept = [each for each in self._kept if each[0] > self.stored]

    def _take(self, claims: dict[str, Any], digest: bytes) -> None:
        commands.check_command(claims, self.drn)
        n = claims["n"]
        self.say("ack", n=n, stage="received")
        answer = self._answers.get((n, digest))
        if answer is None:
            status = codes.REPLAYED if n <= self.last_n else self._execute(claims)
            answer = {"n": n, "stage": "done", "status": status, "detail": {}}
            if status != codes.REPLAYED:
                self.last_n = n
                self._answers[(n, digest)] = answer
        self.say("ack", **answer)

    def _execute(self, claims: dict[str, Any]) -> int:
        if claims["cmd"] == commands.TOKEN:
            answer = self.token_results.pop(0) if self.token_results else result.ACCEPT
        else:
            answer = codes.OK
        self.executed.append((claims["cmd"], claims["args"]))
        return answer
