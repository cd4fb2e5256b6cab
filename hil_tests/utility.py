"""The utility as the device under test meets it: it makes tokens and talks over MQTT.

A stand-in for the head-end, small enough to see through; the head-end itself is in the story of
`prepay demo`.
"""

from __future__ import annotations

import secrets
import threading
import time
from typing import Any

import paho.mqtt.client as mqtt

from shared.sts import generation, identifiers, token_identifier
from shared.sts.cipher import make_cipher
from shared.wire import jws, messages, topics
from shared.wire.keys import derive_link_keys, key_id

BASE_DATE = 2014
SGC = "201457"
TOTAL_IMPORT = "1.8.0"
ANSWER_S = 15
# The meter's life begins this long ago, so that there are unused minutes to name tokens by.
AGE_MINUTES = 600


class Utility:
    """Keys of one meter, and a connection to the broker.

    Attributes:
        drn: the meter's number.
        events: codes of the events that the meter reported.
        answers: final answers by command number.
    """

    def __init__(self, broker_port: int) -> None:
        self.drn = str(identifiers.make_drn("04", f"{secrets.randbelow(10**8):08d}"))
        self.provisioned_at = int(time.time()) - AGE_MINUTES * 60
        self.events: list[int] = []
        self.answers: dict[int, dict[str, Any]] = {}
        self.state: dict[str, Any] = {}
        self._decoder_key = secrets.token_bytes(8)
        self._cipher = make_cipher(7, self._decoder_key)
        self._root = secrets.token_bytes(32)
        self._up, self.down_key, _ = derive_link_keys(self._root, 1)
        self._tid = token_identifier.from_utc(self.provisioned_at, BASE_DATE)
        self._number = 0
        self._online = False
        self._changed = threading.Condition()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="utility")
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", broker_port)
        self._client.subscribe(topics.up(self.drn, "#"), qos=1)
        self._client.loop_start()

    @property
    def identity(self) -> dict[str, Any]:
        """What the meter is provisioned with."""
        return {
            "drn": self.drn,
            "pan": identifiers.make_pan(self.drn),
            "sgc": SGC,
            "krn": 1,
            "kt": 2,
            "ti": 1,
            "ken": 255,
            "ea": 7,
            "base_date": BASE_DATE,
            "decoder_key": self._decoder_key,
            "link_root": self._root,
            "link_generation": 1,
        }

    def token(self, kwh: float, *, tid: int | None = None) -> str:
        """Return the 20 digits of a new credit token.

        Args:
            kwh: energy, in steps of 0.1.
            tid: a token identifier of choice, for what a careful utility never does.
        """
        if tid is None:
            self._tid = token_identifier.following(self._tid)
            tid = self._tid
        units = round(kwh * 10)
        return str(generation.credit(self._cipher, units=units, tid=tid, rnd=5))

    def order(self, command: str, *, n: int | None = None, **claims: Any) -> dict[str, Any]:
        """Send a signed command and return the meter's final answer.

        Args:
            command: its name.
            n: its number; the next one if not given.
            claims: `args` and, if wanted, `exp`.
        """
        if n is None:
            n = self.next_number()
        self.send(self.signed(command, n=n, **claims))
        return self.answer_to(n)

    def signed(
        self,
        command: str,
        *,
        n: int,
        args: dict[str, Any] | None = None,
        exp: int | None = None,
        key: bytes | None = None,
    ) -> bytes:
        """Return the bytes of a command; `key` of another signs it wrongly."""
        claims = messages.command_claims(
            self.drn, n, int(time.time()), command, args or {}, exp=exp
        )
        return bytes(jws.sign(claims, key or self.down_key, key_id("down", 1)))

    def next_number(self) -> int:
        """Return the next command number."""
        self._number += 1
        return self._number

    def send(self, message: bytes) -> None:
        """Publish bytes on the meter's topic."""
        self._client.publish(topics.down(self.drn), message, qos=1).wait_for_publish(ANSWER_S)

    def answer_to(self, n: int) -> dict[str, Any]:
        """Wait for the final answer to a command and return it."""
        self._wait(lambda: n in self.answers, f"an answer to command {n}")
        return self.answers[n]

    def wait_until_online(self) -> None:
        """Wait for the meter's presence."""
        self._wait(lambda: self._online, "the meter online")

    def wait_until_offline(self) -> None:
        """Wait for the meter's last will."""
        self._wait(lambda: not self._online, "the meter offline")

    def wait_for_event(self, code: int) -> None:
        """Wait until the meter has reported an event."""
        self._wait(lambda: code in self.events, f"event {code}")

    def registers(self) -> dict[str, int]:
        """Ask the meter for its registers."""
        answer = self.order("read", args={"what": "registers"})
        return dict(answer["detail"])

    def credit_wh(self) -> int:
        """Ask the meter for its credit."""
        return self.registers()["credit_wh"]

    def wait_for_total(self, total_wh: int) -> None:
        """Ask until the meter has counted all energy that flowed."""
        deadline = time.monotonic() + ANSWER_S
        while (counted_wh := self.registers()[TOTAL_IMPORT]) != total_wh:
            assert time.monotonic() < deadline, f"{counted_wh} Wh counted instead of {total_wh}"

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()

    def _wait(self, holds: Any, what: str) -> None:
        with self._changed:
            assert self._changed.wait_for(holds, ANSWER_S), (
                f"{what} did not come; events {self.events}, answers {self.answers}"
            )

    def _on_message(self, client: mqtt.Client, _: Any, message: mqtt.MQTTMessage) -> None:
        kind = message.topic.rsplit("/", 1)[1]
        with self._changed:
            if kind == "online":
                self._online = bool(message.payload)
            else:
                claims = jws.verify(message.payload, self._up, key_id("up", 1))
                messages.check_up(kind, claims, self.drn)
                self._take(kind, claims)
            self._changed.notify_all()

    def _take(self, kind: str, claims: dict[str, Any]) -> None:
        if kind == "ack" and claims["stage"] == messages.DONE:
            self.answers[claims["n"]] = claims
        elif kind == "state":
            self.state = claims
        elif kind == "event":
            self.events.append(claims["code"])
        if "seq" in claims:  # acknowledged means stored: here, in this list
            stored = messages.stored_claims(self.drn, claims["boot"], claims["seq"])
            signed = jws.sign(stored, self.down_key, key_id("down", 1))
            self._client.publish(topics.stored(self.drn), signed, qos=1, retain=True)
