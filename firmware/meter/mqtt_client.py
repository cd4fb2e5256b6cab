"""A small MQTT 3.1.1 client on asyncio streams that keeps one connection up for ever.

It knows nothing of Wi-Fi, TLS or messages: the caller hands in how to open a connection and what
to do with what arrives; mqtt_packets.py has the bytes. The session is kept at the broker (clean
session off), but nothing here trusts the broker to have kept it. OASIS MQTT 3.1.1 sections are
cited as [MQTT-n.n].
"""

import asyncio
import gc

from firmware.meter.mqtt_packets import (
    BAD_PACKET,
    CONNACK,
    DUP,
    NO_PUBACK,
    PIECE,
    PINGRESP,
    PUBACK,
    PUBLISH,
    REFUSED,
    SILENT,
    SUBACK,
    SUBSCRIPTION_REFUSED,
    UNSENT,
    MQTTError,
    Outgoing,
    connect_packet,
    remaining_length,
    skip,
    subscribe_packet,
)

MOST_UNACKNOWLEDGED = 8
# Packets on their way are built in buffers that are used again: after hours of running a small
# heap seldom has room for a packet in one piece. They grow if they have to.
_BUFFERS = 2
_INCOMING_SIZE = 640
LONGEST_PAUSE_MS = 300_000


def pause_ms(failures, random):
    """Return how long to wait before the next try: 0.5..1 s at first, 150..300 s in the end.

    Args:
        failures: connections that failed in a row, >= 0.
        random: function (n) -> 0..n-1, so that a fleet does not come back in one instant.
    """
    longest = min(LONGEST_PAUSE_MS, 1000 << min(failures, 9))
    return longest // 2 + random(longest // 2 + 1)


class MQTTClient:
    """Connects, subscribes, publishes, and connects again whenever anything fails.

    Attributes:
        up: True while connected and subscribed.
        connections: how often it has come up.
    """

    def __init__(
        self,
        client_id,
        open_connection,
        subscriptions,
        on_message,
        on_up,
        random,
        keepalive_s,
        user=None,
        password=None,
        will=None,
        step_s=20,
        longest=2048,
        sleep=asyncio.sleep,
        log=None,
    ):
        """Prepare; `run` does the work.

        Args:
            client_id: text, also the name of the session at the broker.
            open_connection: coroutine function () -> (reader, writer).
            subscriptions: topics to take at QoS 1, again after every connection.
            on_message: coroutine function (topic, payload) -> True if it may be acknowledged,
                that is, once it is stored. It may `send`, but must not wait for `publish`. The
                payload is a bytearray, which is used again afterwards.
            on_up: function (), called after every connection.
            random: function (n) -> 0..n-1.
            keepalive_s: seconds of silence after which either end gives up.
            user, password: texts or None.
            will: (topic, payload), published retained by the broker when we vanish, or None.
            step_s: seconds that one step of connecting may take.
            longest: bytes of the longest packet taken; longer ones are dropped unread.
            sleep: coroutine function (seconds).
            log: function (text) or None.
        """
        self.up = False
        self.connections = 0
        self._open_connection = open_connection
        self._subscriptions = subscriptions
        self._on_message = on_message
        self._on_up = on_up
        self._random = random
        self._half_keepalive_s = keepalive_s / 2
        self._step_s = step_s
        self._longest = longest
        self._sleep = sleep
        self._log = log or (lambda text: None)
        self._hello = connect_packet(client_id, user, password, will, keepalive_s)
        self._writer = None
        self._write_lock = asyncio.Lock()
        self._ended = asyncio.Event()
        self._subscribed = asyncio.Event()
        self._fault: Exception = MQTTError(SILENT, "never connected")
        self._heard = False
        self._stable = False
        self._packet_id = 0
        self._unacknowledged = []
        self._incoming = bytearray(_INCOMING_SIZE)
        self._spare = [Outgoing() for _ in range(_BUFFERS)]

    async def run(self):
        """Stay connected until cancelled; faults are logged and answered by waiting longer."""
        failures = 0
        while True:
            self._stable = False
            try:
                await self._connection()
            except Exception as error:
                gc.collect()
                self._log("mqtt down: " + repr(error))
            await self._close()
            gc.collect()
            failures = 0 if self._stable else failures + 1
            await self._sleep(pause_ms(max(failures - 1, 0), self._random) / 1000)

    async def publish(self, topic, payload, retain=False):
        """Publish at QoS 1 and wait until the broker has it, over reconnections if need be.

        Args:
            topic: text.
            payload: bytes, or a function that appends them to a bytearray.
            retain: whether the broker keeps it for later subscribers.
        """
        done = asyncio.Event()
        await self._start(topic, payload, retain, done)
        await done.wait()

    async def send(self, topic, payload):
        """Publish at QoS 1, now or when connected, without waiting for the acknowledgement.

        Args:
            topic: text.
            payload: as of `publish`.

        Returns:
            False if it was dropped, because too many wait for acknowledgement.
        """
        if len(self._unacknowledged) >= MOST_UNACKNOWLEDGED:
            return False
        await self._start(topic, payload, False, None)
        return True

    async def _start(self, topic, payload, retain, done):
        taken = [waiting.packet_id for waiting in self._unacknowledged]
        while True:
            self._packet_id = self._packet_id % 65535 + 1
            if self._packet_id not in taken:
                break
        waiting = self._spare.pop() if self._spare else Outgoing()
        try:
            waiting.fill(topic, payload, self._packet_id, retain)
            waiting.done = done
            self._unacknowledged.append(waiting)
        except Exception:
            self._spare.append(waiting)
            raise
        if self.up:
            try:
                await self._write_waiting(waiting)
            except Exception as error:
                self._end(error)

    async def _write_waiting(self, waiting):
        waiting.age = 0
        waiting.sent = True
        waiting.writing = True
        await self._write(waiting.packet)
        waiting.writing = False

    async def _write(self, packet):
        async with self._write_lock:
            if self._writer is None:
                raise OSError("closed")
            self._writer.write(packet)
            await self._writer.drain()

    def _end(self, error):
        """End the connection, once; whoever meets the first fault calls this."""
        if not self._ended.is_set():
            self._fault = error
            self._ended.set()
            self._subscribed.set()

    async def _connection(self):
        """Live through one connection; raise what ended it."""
        self._ended.clear()
        self._subscribed.clear()
        reader, self._writer = await asyncio.wait_for(self._open_connection(), self._step_s)
        session_present = await asyncio.wait_for(self._greet(reader), self._step_s)
        tasks = (
            asyncio.create_task(self._guard(self._receive(reader))),
            asyncio.create_task(self._guard(self._keep_alive())),
        )
        try:
            await asyncio.wait_for(self._subscribe(), self._step_s)
            await self._send_again(session_present)
            if not self._ended.is_set():
                self.up = True
                self.connections += 1
                self._on_up()
            await self._ended.wait()
        finally:
            self.up = False
            for task in tasks:
                task.cancel()
            await self._close()  # which ends also a task that its cancelling met between two steps
            for task in tasks:
                try:
                    await task
                except asyncio.CancelledError:
                    pass
        raise self._fault

    async def _guard(self, work):
        try:
            await work
        except Exception as error:
            self._end(error)

    async def _close(self):
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.close()
            await asyncio.wait_for(writer.wait_closed(), self._step_s)
        except Exception as error:
            self._log("mqtt close: " + repr(error))

    async def _greet(self, reader):
        await self._write(self._hello)
        answer = await reader.readexactly(4)
        if answer[0] != CONNACK or answer[1] != 2 or answer[2] > 1:
            raise MQTTError(BAD_PACKET, "no CONNACK")
        if answer[3]:
            raise MQTTError(REFUSED, "code %d" % answer[3])
        return bool(answer[2])

    async def _subscribe(self):
        """Subscribe, whatever the broker says that it remembers."""
        await self._write(subscribe_packet(self._subscriptions))
        await self._subscribed.wait()

    async def _send_again(self, session_present):
        """Send what was not acknowledged, in order, marked as such if the broker may have it."""
        for waiting in self._unacknowledged:
            waiting.age = UNSENT
            if session_present and waiting.sent:
                waiting.packet[0] |= DUP  # [MQTT-3.3.1-1], [MQTT-4.4.0-1]
            else:
                waiting.packet[0] &= ~DUP
        while True:  # the list may grow and shrink while a packet is written
            unsent = [waiting for waiting in self._unacknowledged if waiting.age == UNSENT]
            if not unsent:
                return
            await self._write_waiting(unsent[0])

    async def _keep_alive(self):
        while True:
            self._heard = False
            # A write that is stuck must not stop the watch over it, so nothing is waited for here.
            if self._writer and not self._write_lock.locked():
                self._writer.write(b"\xc0\0")
            await self._sleep(self._half_keepalive_s)
            if not self._heard:
                raise MQTTError(SILENT, "nothing heard")
            for waiting in self._unacknowledged:
                waiting.age += 1
                if waiting.age > 2:
                    raise MQTTError(NO_PUBACK, "not acknowledged")
            self._stable = True

    async def _receive(self, reader):
        while True:
            head = (await reader.readexactly(1))[0]
            length = await remaining_length(reader)
            if head & 0xF0 == PUBLISH:
                await self._receive_message(reader, head, length)
            elif head == PUBACK and length == 2:
                number = await reader.readexactly(2)
                self._acknowledged(number[0] << 8 | number[1])
            elif head == SUBACK and length == 2 + len(self._subscriptions):
                if 0x80 in (await reader.readexactly(length))[2:]:
                    raise MQTTError(SUBSCRIPTION_REFUSED, "by the broker")
                self._subscribed.set()
            elif head != PINGRESP or length:
                raise MQTTError(BAD_PACKET, "head %d length %d" % (head, length))
            self._heard = True

    def _acknowledged(self, packet_id):
        for waiting in self._unacknowledged:
            if waiting.packet_id == packet_id:
                self._unacknowledged.remove(waiting)
                if waiting.done:
                    waiting.done.set()
                if len(self._spare) < _BUFFERS and not waiting.writing:
                    self._spare.append(waiting)
                return

    async def _receive_message(self, reader, head, length):
        qos = head >> 1 & 3
        start = await reader.readexactly(2)
        topic_length = start[0] << 8 | start[1]
        rest = length - 2 - topic_length - (2 if qos else 0)
        if qos > 1 or rest < 0:
            raise MQTTError(BAD_PACKET, "PUBLISH")
        if length > self._longest:
            self._log("mqtt: packet of %d bytes dropped" % length)
            await skip(reader, topic_length)
            packet_id = await reader.readexactly(2) if qos else b""
            await skip(reader, rest)
            keep = True
        else:
            topic = (await reader.readexactly(topic_length)).decode()
            packet_id = await reader.readexactly(2) if qos else b""
            payload = self._incoming
            payload[:] = b""
            while len(payload) < rest:
                payload.extend(await reader.readexactly(min(rest - len(payload), PIECE)))
            keep = await self._handled(topic, payload)
        if qos and keep:
            await self._write(b"\x40\x02" + packet_id)

    async def _handled(self, topic, payload):
        try:
            return await self._on_message(topic, payload)
        except MemoryError:
            raise  # ends the connection: the broker sends the message again in the next one
        except Exception as error:
            self._log("mqtt: message not handled: " + repr(error))
            return False
