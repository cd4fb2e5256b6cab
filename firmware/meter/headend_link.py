"""Speaks with the head-end over MQTT in the forms of `shared/wire`; never trusts the broker.

It holds nothing that must survive: the meter journals commands and keeps its messages until the
head-end says that they are stored. Offline it does nothing but try again.
"""

import asyncio
import gc
import hashlib

from firmware.meter.mqtt_client import MQTTClient
from shared.wire import codes, commands, jws, topics
from shared.wire.keys import derive_link_keys, key_id

_TICKS = (1 << 30) - 1  # ticks_ms wraps there
_POLL_S = 0.5
_KEEPALIVE_S = 60
_STATE_EVERY_MS = 900_000
_CREDIT_EVERY_MS = 10_000
_CREDIT_STEP_WH = 100
_CHANGES_EVERY_MS = 1000
_IN_ONE_GO = 8
_AHEAD_OF_STORED = 32
_FIRST_WAIT_MS = 60_000
_LONGEST_WAIT_MS = 3_600_000
_FORGED_EVERY_MS = 60_000
_SCRATCH_SIZE = 400  # of a command's claims; grows if it has to
_TRIES = 3
# A change of these alone does not call for a new state at once.
_SLOW = ("revision", "time", "credit_wh", "energy_wh", "power_w", "last")


def client_factory(settings, drn, random, log):
    """Return what makes the MQTT client of a HeadendLink.

    Args:
        settings: dict with "host", "port" and perhaps "user" (else the meter's number),
            "password" and "keepalive_s".
        drn: number of the meter; also its client id.
        random: function (n) -> 0..n-1.
        log: function (text).
    """

    def open_connection():
        return asyncio.open_connection(settings["host"], settings["port"])

    def make(subscriptions, on_message, on_up, will):
        return MQTTClient(
            drn,
            open_connection,
            subscriptions,
            on_message,
            on_up,
            random,
            user=settings.get("user") or drn,
            password=settings.get("password"),
            will=will,
            keepalive_s=settings.get("keepalive_s") or _KEEPALIVE_S,
            log=log,
        )

    return make


class HeadendLink:
    """Carries commands to the meter, and its answers, state, events and readings to the head-end.

    Of the meter it uses: `handle_command`, `report_event`, `state_message`, `changes`,
    `pending_messages`, `messages_stored`, and of its `state` the watermark.
    """

    def __init__(self, meter, drn, root, generation, make_client, prefix, clock, log, sleep=None):
        """Prepare; `run` does the work.

        Args:
            meter: the Meter.
            drn: its number.
            root: its 32-byte link secret.
            generation: of the link keys, 0..65535.
            make_client: as `client_factory` returns it.
            prefix: of the topics.
            clock: has `ticks_ms()`.
            log: function (text).
            sleep: coroutine function (seconds), asyncio's by default.
        """
        self._meter = meter
        self._drn = drn
        self._up_key, self._down_key, _ = derive_link_keys(root, generation)
        self._up_id = key_id("up", generation)
        self._down_id = key_id("down", generation)
        self._prefix = prefix
        self._scratch = bytearray(_SCRATCH_SIZE)
        self._clock = clock
        self._log = log
        self._sleep = sleep or asyncio.sleep
        self._down = topics.down(drn, prefix)
        self._stored = topics.stored(drn, prefix)
        self._came_up = False
        self._sent_state = None
        self._seen_changes = 0
        self._state_at = 0
        self._cursor = (0, 0)  # newest message sent in this connection
        self._ahead = 0  # messages sent since the watermark moved
        self._wait_ms = _FIRST_WAIT_MS
        self._moved_at = 0
        self._forged_at = None
        self._client = make_client(
            (self._down, self._stored),
            self._on_message,
            self._on_up,
            (topics.up(drn, "online", prefix), b""),
        )

    @property
    def up(self):
        """True while connected to the broker."""
        return self._client.up

    async def run(self):
        """Keep the connection and report until cancelled."""
        connection = asyncio.create_task(self._client.run())
        try:
            while True:
                try:
                    if self._client.up:
                        await self._report()
                except Exception as error:
                    self._report_failed(error)
                await self._sleep(_POLL_S)
        finally:
            connection.cancel()

    def _on_up(self):
        self._came_up = True

    def _report_failed(self, error):
        """Report from the watermark on again: nothing tells how far this one came."""
        self._came_up = True
        gc.collect()
        self._log("report failed: " + repr(error))

    async def _report(self):
        if self._came_up:
            self._came_up = False
            self._sent_state = None
            self._start_again()
        await self._report_state()
        for _ in range(_IN_ONE_GO):
            if self._came_up or not await self._report_next():
                return

    def _start_again(self):
        """Send from the watermark on: what the broker took may never have arrived."""
        self._cursor = self._watermark()
        self._ahead = 0
        self._moved_at = self._clock.ticks_ms()

    def _watermark(self):
        state = self._meter.state
        return state.stored_boot, state.stored_seq

    def _since(self, moment):
        return self._clock.ticks_ms() - moment & _TICKS

    async def _report_state(self):
        sent = self._sent_state
        elapsed = self._since(self._state_at)
        changes = self._meter.changes
        if sent is not None and changes == self._seen_changes and elapsed < _STATE_EVERY_MS:
            return
        state = self._meter.state_message()
        if sent is None:
            online = topics.up(self._drn, "online", self._prefix)
            await self._client.publish(online, str(state["boot"]).encode(), True)
        elif not _is_news(state, sent, elapsed):
            return
        self._sent_state = state
        self._seen_changes = changes
        self._state_at = self._clock.ticks_ms()
        await self._publish("state", state, True)

    async def _report_next(self):
        """Send the next message that waits; return False if there is none to send now."""
        stored = self._watermark()
        if self._cursor <= stored:
            self._cursor = stored
        elif self._since(self._moved_at) >= self._wait_ms:
            self._wait_ms = min(2 * self._wait_ms, _LONGEST_WAIT_MS)
            self._start_again()
        if self._ahead >= _AHEAD_OF_STORED:
            return False
        for boot, seq, kind, body in self._meter.pending_messages(self._cursor, 1):
            if self._ahead == 0:
                self._moved_at = self._clock.ticks_ms()
            body["boot"] = boot
            body["seq"] = seq
            body["after"] = list(self._cursor)
            self._cursor = (boot, seq)
            self._ahead += 1
            await self._publish(kind, body, False)
            return True
        return False

    async def _publish(self, kind, body, retain):
        topic = topics.up(self._drn, kind, self._prefix)
        await self._client.publish(topic, self._signed(kind, body), retain)

    def _signed(self, kind, body):
        """Return what appends a signed message to a buffer."""

        def append(packet):
            claims = commands.envelope(kind, self._drn)
            claims.update(body)
            jws.sign_onto(packet, claims, self._up_key, self._up_id)

        return append

    async def _on_message(self, topic, payload):
        """Take what the broker sends; True: it has done its work, or can never do any.

        Every step may be done twice, so one that memory ran out in is done again.

        Raises:
            MemoryError: time and again; the message must come once more.
        """
        for _ in range(_TRIES - 1):
            try:
                return await self._take(topic, payload)
            except MemoryError:
                gc.collect()
        return await self._take(topic, payload)

    async def _take(self, topic, payload):
        if topic == self._down:
            await self._on_command(payload)
        elif topic == self._stored and payload:
            self._on_stored(payload)
        return True

    async def _on_command(self, payload):
        try:
            claims = jws.verify(payload, self._down_key, self._down_id, self._scratch)
        except jws.NotAuthentic as error:
            self._refuse(error)
            return
        try:
            commands.check_command(claims, self._drn)
        except commands.BadMessage as error:
            if error.status == codes.NOT_AUTHENTIC or not commands.is_integer(claims.get("n"), 1):
                self._refuse(error)
            else:
                await self._answer({"n": claims["n"], "stage": "done", "status": error.status})
            return
        await self._answer({"n": claims["n"], "stage": "received"})
        digest = hashlib.sha256(payload).digest()[:8]
        await self._answer(self._meter.handle_command(claims, digest))

    async def _answer(self, body):
        # Not kept if it gets lost: the head-end sends the command again, and is answered again.
        await self._client.send(
            topics.up(self._drn, "ack", self._prefix), self._signed("ack", body)
        )

    def _on_stored(self, payload):
        try:
            claims = jws.verify(payload, self._down_key, self._down_id, self._scratch)
            boot, seq = commands.check_stored(claims, self._drn)
        except ValueError as error:
            self._refuse(error)
            return
        if (boot, seq) > self._watermark():
            self._meter.messages_stored(boot, seq)
            self._ahead = 0
            self._wait_ms = _FIRST_WAIT_MS
            self._moved_at = self._clock.ticks_ms()

    def _refuse(self, error):
        self._log("not authentic: " + str(error))
        if self._forged_at is None or self._since(self._forged_at) >= _FORGED_EVERY_MS:
            self._forged_at = self._clock.ticks_ms()
            self._meter.report_event(codes.EVENT_COMMAND_FORGED)


def _is_news(state, sent, elapsed_ms):
    """Say whether a state should go out, so long after the last one."""
    if elapsed_ms >= _STATE_EVERY_MS:
        return True
    if elapsed_ms < _CHANGES_EVERY_MS:
        return False
    if any([name not in _SLOW and state[name] != sent[name] for name in state]):
        return True
    if elapsed_ms < _CREDIT_EVERY_MS:
        return False
    # Past zero in post-payment credit stands still and energy goes on.
    steps = [abs(state[name] - sent[name]) for name in ("credit_wh", "energy_wh")]
    return max(steps) >= _CREDIT_STEP_WH
