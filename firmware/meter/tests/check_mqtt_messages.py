"""What the MQTT client sends and takes, each message until it is acknowledged; runs anywhere."""

import asyncio

from firmware.meter.mqtt_client import MOST_UNACKNOWLEDGED
from firmware.meter.tests.mqtt_bench import (
    Bench,
    published,
)
from firmware.meter.tests.mqtt_peer import (
    CONNACK_NEW,
    CONNACK_RESUMED,
    SUBACK_ONE,
    run,
    settle,
)


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
