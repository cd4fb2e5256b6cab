"""The MQTT client against a broker played by hand; runs on CPython and inside MicroPython."""

import asyncio

from firmware.meter.mqtt_client import MOST_UNACKNOWLEDGED, MQTTClient, pause_ms
from firmware.meter.tests.mqtt_peer import (
    CONNACK_NEW,
    CONNACK_RESUMED,
    PINGREQ,
    PINGRESP,
    SUBACK_ONE,
    Line,
    Sleep,
    run,
    settle,
)

KEEPALIVE_S = 60
WILL = ("p/1/up/online", b"")


def is_pause(seconds):
    """Return True for a pause between connections, which never is half a keepalive."""
    return seconds != KEEPALIVE_S / 2


def is_half_keepalive(seconds):
    return seconds == KEEPALIVE_S / 2


class Bench:
    """A client, the line it uses and what it told us."""

    def __init__(self, subscriptions=("p/1/down",), longest=200):
        self.line = Line()
        self.sleep = Sleep()
        self.messages = []
        self.ups = 0
        self.logged: list = []
        self.keep: object = True
        self.client = MQTTClient(
            "1",
            self.line.open,
            subscriptions,
            self.on_message,
            self.on_up,
            lambda n: n - 1,
            user="meter",
            password="secret",
            will=WILL,
            keepalive_s=KEEPALIVE_S,
            step_s=5,
            longest=longest,
            sleep=self.sleep,
            log=self.logged.append,
        )
        self.running = asyncio.create_task(self.client.run())

    async def on_message(self, topic, payload):
        self.messages.append((topic, bytes(payload)))
        if isinstance(self.keep, Exception):
            raise self.keep
        return self.keep

    def on_up(self):
        self.ups += 1

    async def connect(self, connack=CONNACK_NEW):
        """Play a broker until the client is up."""
        stream = await self.line.next()
        assert (await stream.take())[0] == 0x10
        stream.send(connack)
        assert (await stream.take())[0] == 0x82
        stream.send(SUBACK_ONE)
        while not self.client.up:
            await asyncio.sleep(0)
        return stream

    async def reconnect(self, connack=CONNACK_NEW):
        """End the pause, and play a broker until the client is up again."""
        await self.sleep.end(is_pause)
        self.sleep.forget()
        return await self.connect(connack)

    async def stop(self):
        await settle()
        self.running.cancel()
        try:
            await self.running
        except asyncio.CancelledError:
            pass


def published(topic, payload, packet_id=None, head=0x30):
    """Return a PUBLISH of the broker."""
    body = bytes((0, len(topic))) + topic.encode()
    if packet_id is not None:
        head |= 2
        body += bytes((packet_id >> 8, packet_id & 255))
    body += payload
    size = len(body)
    length = bytes((size,)) if size < 128 else bytes((size & 127 | 128, size >> 7))
    return bytes((head,)) + length + body


def test_connect_packet_has_session_will_and_credentials():
    async def story():
        bench = Bench()
        stream = await bench.line.next()
        packet = await stream.take()
        wanted = b"\0\4MQTT\4" + bytes((0xEC,)) + b"\0\x3c"
        wanted += b"\0\x011" + b"\0\x0dp/1/up/online" + b"\0\0" + b"\0\5meter" + b"\0\6secret"
        assert packet == bytes((0x10, len(wanted))) + wanted
        await bench.stop()

    run(story())


def test_it_subscribes_after_every_connection_and_tells():
    async def story():
        bench = Bench()
        for connack in (CONNACK_NEW, CONNACK_RESUMED, CONNACK_NEW):
            stream = await bench.line.next()
            await stream.take()
            assert not bench.client.up
            stream.send(connack)
            assert await stream.take() == b"\x82\x0d\0\1\0\x08p/1/down\1"
            assert not bench.client.up
            stream.send(SUBACK_ONE)
            await settle()
            assert bench.client.up
            stream.hang_up()
            await bench.sleep.end(is_pause)
            assert not bench.client.up
            assert stream.closed
        assert bench.ups == bench.client.connections == 3
        await bench.stop()

    run(story())


def test_publish_waits_for_its_acknowledgement():
    async def story():
        bench = Bench()
        stream = await bench.connect()
        first = asyncio.create_task(bench.client.publish("t", b"one"))
        second = asyncio.create_task(bench.client.publish("t", b"two", True))
        assert await stream.take() == published("t", b"one", 1, 0x30)
        assert await stream.take() == published("t", b"two", 2, 0x31)
        stream.send(b"\x40\x02\0\x02")
        await second
        await settle()
        assert not first.done()
        stream.send(b"\x40\x02\0\x07\x40\x02\0\x01")
        await first
        await bench.stop()

    run(story())


def test_unacknowledged_goes_out_again_marked_when_the_session_is_resumed():
    async def story():
        bench = Bench()
        stream = await bench.connect()
        first = asyncio.create_task(bench.client.publish("t", b"one"))
        await stream.take()
        await bench.client.send("t", b"two")
        await stream.take()
        stream.hang_up()
        await settle()
        later = asyncio.create_task(bench.client.publish("t", b"later"))
        stream = await bench.reconnect(CONNACK_RESUMED)
        assert await stream.take() == published("t", b"one", 1, 0x38)
        assert await stream.take() == published("t", b"two", 2, 0x38)
        assert await stream.take() == published("t", b"later", 3, 0x30)
        stream.send(b"\x40\x02\0\x01\x40\x02\0\x02\x40\x02\0\x03")
        await first
        await later
        stream.hang_up()
        stream = await bench.reconnect(CONNACK_RESUMED)
        await settle()
        assert stream.nothing_written()
        await bench.stop()

    run(story())


def test_unacknowledged_goes_out_as_new_when_the_broker_has_forgotten():
    async def story():
        bench = Bench()
        stream = await bench.connect()
        waiting = asyncio.create_task(bench.client.publish("t", b"one"))
        await stream.take()
        for _ in range(2):
            stream.hang_up()
            stream = await bench.reconnect(CONNACK_NEW)
            assert await stream.take() == published("t", b"one", 1, 0x30)
        stream.send(b"\x40\x02\0\x01")
        await waiting
        await bench.stop()

    run(story())


def test_a_message_is_acknowledged_only_when_its_handler_has_stored_it():
    async def story():
        bench = Bench()
        stream = await bench.connect()
        stream.send(published("p/1/down", b"one", 7))
        assert await stream.take() == b"\x40\x02\0\x07"
        bench.keep = False
        stream.send(published("p/1/down", b"two", 8))
        await settle()
        bench.keep = ValueError("flash is worn out")
        stream.send(published("p/1/down", b"three", 9))
        await settle()
        assert stream.nothing_written()
        assert bench.client.up
        assert "worn out" in bench.logged[-1]
        bench.keep = True
        stream.send(published("p/1/down", b"two", 8, 0x38))
        assert await stream.take() == b"\x40\x02\0\x08"
        assert [payload for _, payload in bench.messages] == [b"one", b"two", b"three", b"two"]
        await bench.stop()

    run(story())


def test_a_handler_that_waits_delays_the_acknowledgement():
    async def story():
        bench = Bench()
        stored = asyncio.Event()

        async def store(topic, payload):
            await bench.client.send("ack", b"received")
            await stored.wait()
            await bench.client.send("ack", b"done")
            return True

        bench.client._on_message = store
        stream = await bench.connect()
        stream.send(published("p/1/down", b"one", 7))
        assert await stream.take() == published("ack", b"received", 1)
        await settle()
        assert stream.nothing_written()
        stored.set()
        assert await stream.take() == published("ack", b"done", 2)
        assert await stream.take() == b"\x40\x02\0\x07"
        await bench.stop()

    run(story())


def test_messages_at_qos_0_and_before_suback_are_taken():
    async def story():
        bench = Bench()
        stream = await bench.line.next()
        await stream.take()
        stream.send(CONNACK_RESUMED + published("p/1/down", b"kept", 3))
        stream.send(published("p/1/down", b""))
        both = (await stream.take(), await stream.take())
        assert b"\x40\x02\0\x03" in both
        assert not bench.client.up
        await bench.client.send("ack", b"early")
        stream.send(SUBACK_ONE)
        assert await stream.take() == published("ack", b"early", 1)
        assert bench.messages == [("p/1/down", b"kept"), ("p/1/down", b"")]
        await bench.stop()

    run(story())


def test_too_long_a_packet_is_dropped_and_acknowledged_and_the_next_is_read():
    async def story():
        bench = Bench()
        stream = await bench.connect()
        stream.send(published("p/1/down", bytes(5000), 7))
        assert await stream.take() == b"\x40\x02\0\x07"
        stream.send(published("p/1/down", bytes(5000)) + published("p/1/down", b"next", 8))
        assert await stream.take() == b"\x40\x02\0\x08"
        assert bench.messages == [("p/1/down", b"next")]
        assert "5012 bytes" in bench.logged[0]
        await bench.stop()

    run(story())


def test_garbage_ends_the_connection_and_nothing_else():
    garbage = (
        b"\x00\x00",
        b"\xff\xff\xff\xff\xff",
        b"\x30\xff\xff\xff\xff\x01",
        b"\x36\x05\0\1tab",
        b"\x34\x05\0\1tab",
        b"\x30\x03\0\x09t",
        b"\x32\x03\0\x01t",
        b"\x30\x05\0\x03\xff\xfe\xff",
        b"\x40\x03\0\1\0",
        b"\x41\x02\0\1",
        b"\x20\x02\0\0",
        b"\x90\x05\0\1\1\1\1",
        b"\xd0\x01\0",
        b"\x62\x02\0\1",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    )

    async def story():
        bench = Bench()
        stream = await bench.connect()
        for number, bytes_ in enumerate(garbage):
            assert bench.client.up
            stream.send(bytes_)
            await bench.sleep.end(is_pause)
            assert not bench.client.up, bytes_
            assert stream.closed
            assert len(bench.logged) == number + 1
            bench.sleep.forget()
            stream = await bench.connect()
        assert bench.messages == []
        await bench.stop()

    run(story())


def test_bad_greetings_end_the_try():
    async def story():
        bench = Bench()
        for greeting in (b"\x20\x02\0\x05", b"\x20\x02\x02\0", b"\x30\x02\0\0", b"SSH-", b"\x20"):
            stream = await bench.line.next()
            await stream.take()
            stream.send(greeting)
            stream.hang_up()
            await bench.sleep.end(is_pause)
            assert stream.closed
        stream = await bench.line.next()
        await stream.take()
        stream.send(CONNACK_NEW)
        await stream.take()
        stream.send(b"\x90\x03\0\1\x80")
        await bench.sleep.end(is_pause)
        assert bench.ups == 0
        assert "SUBSCRIPTION" in bench.logged[-1] or "by the broker" in bench.logged[-1]
        await bench.stop()

    run(story())


def test_a_silent_broker_is_left_after_half_a_keepalive_without_answer():
    async def story():
        bench = Bench()
        stream = await bench.connect()
        stream.send(PINGRESP)
        await settle()
        for _ in range(3):
            await bench.sleep.end(is_half_keepalive)
            assert await stream.take(()) == PINGREQ
            stream.send(PINGRESP)
            await settle()
        assert bench.client.up
        await bench.sleep.end(is_half_keepalive)
        await bench.sleep.end(is_half_keepalive)
        await bench.sleep.end(is_pause)
        assert not bench.client.up
        assert stream.closed
        assert "nothing heard" in bench.logged[-1]
        await bench.stop()

    run(story())


def test_a_broker_that_answers_pings_but_never_acknowledges_is_left():
    async def story():
        bench = Bench()
        stream = await bench.connect()
        waiting = asyncio.create_task(bench.client.publish("t", b"one"))
        stream.send(PINGRESP)
        await settle()
        for _ in range(3):
            await bench.sleep.end(is_half_keepalive)
            stream.send(PINGRESP)
            await settle()
        await bench.sleep.end(is_pause)
        assert "not acknowledged" in bench.logged[-1]
        bench.sleep.forget()
        stream = await bench.connect(CONNACK_RESUMED)
        assert await stream.take() == published("t", b"one", 1, 0x38)
        stream.send(b"\x40\x02\0\x01")
        await waiting
        await bench.stop()

    run(story())


def test_a_write_that_is_stuck_does_not_stop_the_watch():
    async def story():
        bench = Bench()
        stream = await bench.connect()
        stream.stuck = True
        waiting = [asyncio.create_task(bench.client.publish("t", text)) for text in (b"1", b"2")]
        await settle()
        await bench.sleep.end(is_half_keepalive)
        await bench.sleep.end(is_half_keepalive)
        stream = await bench.reconnect(CONNACK_RESUMED)
        for packet_id in (1, 2):
            assert (await stream.take())[-3:] == bytes((0, packet_id, 48 + packet_id))
            stream.send(bytes((0x40, 2, 0, packet_id)))
            await waiting[packet_id - 1]
        await bench.stop()

    run(story())


def test_a_client_that_cannot_connect_waits_longer_each_time():
    async def story():
        bench = Bench()
        pauses = []
        errors = (
            OSError(111),
            ValueError("invalid cert"),
            MemoryError(),
            EOFError(),
            OSError(12),
            OSError(113),
            OSError(-2),
            OSError(111),
            OSError(111),
            OSError(111),
            OSError(111),
        )
        for error in errors:
            bench.line.refuse = error
            pauses.append(await bench.sleep.end(is_pause))
            await settle()
        # The random number of the bench is always the highest.
        assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
        bench.line.refuse = None
        await bench.sleep.end(is_pause)
        stream = await bench.connect()
        stream.hang_up()
        assert await bench.sleep.end(is_pause) == 300
        bench.sleep.forget()
        stream = await bench.connect()
        stream.send(PINGRESP)
        await settle()
        await bench.sleep.end(is_half_keepalive)
        await settle()
        stream.hang_up()
        # It stayed up for a while, so the next try comes soon.
        assert await bench.sleep.end(is_pause) == 1
        await bench.stop()

    run(story())


def test_pauses_are_spread():
    for failures in range(20):
        highest = pause_ms(failures, lambda n: n - 1)
        lowest = pause_ms(failures, lambda n: 0)
        assert 500 <= lowest <= highest <= 300_000
        assert highest == 2 * lowest
    assert pause_ms(0, lambda n: n - 1) == 1000


def test_unwaited_messages_are_bounded():
    async def story():
        bench = Bench()
        for number in range(MOST_UNACKNOWLEDGED):
            assert await bench.client.send("t", bytes((number,)))
        assert not await bench.client.send("t", b"one too many")
        stream = await bench.connect()
        for number in range(MOST_UNACKNOWLEDGED):
            assert await stream.take() == published("t", bytes((number,)), number + 1)
            stream.send(bytes((0x40, 2, 0, number + 1)))
        await settle()
        assert await bench.client.send("t", b"now")
        await bench.stop()

    run(story())


def test_packet_numbers_go_round_and_skip_those_in_use():
    async def story():
        bench = Bench()
        stream = await bench.connect()
        await bench.client.send("t", b"kept")
        await stream.take()
        bench.client._packet_id = 65534
        for packet_id in (65535, 2):
            await bench.client.send("t", b"x")
            assert await stream.take() == published("t", b"x", packet_id)
        await bench.stop()

    run(story())


def test_cancelling_ends_all_tasks():
    async def story():
        bench = Bench()
        stream = await bench.connect()
        await bench.stop()
        assert not bench.client.up
        stream.send(published("p/1/down", b"late", 7))
        await settle()
        assert bench.messages == []

    run(story())
