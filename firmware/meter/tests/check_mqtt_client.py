"""How the MQTT client keeps one connection up; runs anywhere."""

import asyncio

from firmware.meter.mqtt_client import pause_ms
from firmware.meter.tests.mqtt_bench import (
    Bench,
    is_half_keepalive,
    is_pause,
    published,
)
from firmware.meter.tests.mqtt_peer import (
    CONNACK_NEW,
    CONNACK_RESUMED,
    PINGREQ,
    PINGRESP,
    SUBACK_ONE,
    run,
    settle,
)


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
        assert "by the broker" in bench.logged[-1]
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
