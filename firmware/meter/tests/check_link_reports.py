"""What the link tells the head-end, and how often it says it again; runs anywhere."""

import asyncio

from firmware.meter.tests import kit
from firmware.meter.tests.link_bench import (
    DOWN,
    PREFIX,
    STORED,
    UP_KEY,
    Bench,
    numbers,
)
from firmware.meter.tests.mqtt_peer import run, settle
from shared.wire import codes, topics


def test_offline_nothing_is_asked_and_nothing_waits():
    async def story():
        bench = Bench()
        assert bench.client.subscriptions == (DOWN, STORED)
        assert bench.client.will == (topics.up(kit.DRN, "online", PREFIX), b"")
        for _ in range(5):
            await bench.go_round(3600)
        assert bench.client.out == []
        assert bench.meter.enter_token(bench.credit_token(), "keypad") == 1
        await bench.stop()

    run(story())


def test_on_every_connection_presence_state_and_all_that_is_not_stored():
    async def story():
        bench = Bench()
        bench.add_events(3)
        pending = list(bench.meter.pending_messages((0, 0), 99))
        for _ in range(3):
            await bench.connect()
            out = bench.client.out
            bench.client.out = []
            boot = bench.meter.state.boot
            assert out[0] == ("online", str(boot).encode(), True)
            assert out[1][0] == "state"
            assert out[1][2]
            assert out[1][1]["last"] == [boot, pending[-1][1]]
            assert [kind for kind, _, _ in out[2:]] == ["event"] * len(pending)
            assert not [1 for _, _, retained in out[2:] if retained]
            assert numbers([each for _, each, _ in out[2:]]) == [each[:2] for each in pending]
            bench.client.up = False
            await bench.go_round()
            assert bench.client.out == []
        await bench.stop()

    run(story())


def test_each_message_names_the_one_kept_before_it():
    async def story():
        bench = Bench()
        await bench.connect()
        bench.add_events(2)
        await bench.go_round()
        events = bench.client.of_kind("event")
        before = [0, 0]
        for event in events:
            assert event["after"] == before
            before = [event["boot"], event["seq"]]
        await bench.stored(before)
        bench.add_events(1)
        await bench.go_round()
        assert bench.client.of_kind("event")[0]["after"] == before
        await bench.stop()

    run(story())


def test_a_message_is_sent_again_until_it_is_stored_and_not_after():
    async def story():
        bench = Bench()
        bench.add_events(3)
        await bench.connect()
        sent = numbers(bench.client.of_kind("event"))
        await bench.stored(sent[1])
        assert bench.watermark() == sent[1]
        await bench.go_round()
        assert bench.client.of_kind("event") == []
        await bench.connect()
        assert numbers(bench.client.of_kind("event")) == sent[2:]
        await bench.stored(sent[-1])
        await bench.connect()
        assert bench.client.of_kind("event") == []
        await bench.stop()

    run(story())


def test_what_is_not_stored_survives_a_power_cut():
    async def story():
        bench = Bench()
        bench.add_events(2)
        before = [each[:2] for each in bench.meter.pending_messages((0, 0), 99)]
        await bench.connect()
        await bench.stop()
        bench.boot()
        bench.start_link()
        await bench.connect()
        assert numbers(bench.client.of_kind("event"))[: len(before)] == before
        await bench.stop()

    run(story())


def test_a_forged_or_older_watermark_moves_nothing():
    async def story():
        bench = Bench()
        bench.add_events(3)
        await bench.connect()
        sent = numbers(bench.client.of_kind("event"))
        assert await bench.stored(sent[2], key=UP_KEY)
        assert await bench.client.arrive(STORED, b"stored")
        assert await bench.client.arrive(STORED, b"")
        assert bench.watermark() == (0, 0)
        assert codes.EVENT_COMMAND_FORGED in bench.event_codes()
        await bench.stored(sent[2])
        await bench.stored(sent[0])
        assert bench.watermark() == sent[2]
        await bench.stop()

    run(story())


def test_only_so_much_is_sent_ahead_of_the_watermark():
    async def story():
        bench = Bench()
        bench.add_events(80)
        total = len(list(bench.meter.pending_messages((0, 0), 999)))
        await bench.connect()
        for _ in range(20):
            await bench.go_round()
        sent = bench.client.of_kind("event")
        assert len(sent) == 32
        while sent:
            await bench.stored(numbers(sent)[-1])
            total -= len(sent)
            for _ in range(5):
                await bench.go_round()
            sent = bench.client.of_kind("event")
        assert total == 0
        await bench.stop()

    run(story())


def test_a_watermark_that_stays_away_makes_it_send_again_less_and_less_often():
    async def story():
        bench = Bench()
        await bench.connect()
        sent = bench.client.of_kind("event")
        assert sent
        for wait in (60, 120, 240, 480, 960, 1920, 3600, 3600):
            await bench.go_round(wait - 1)
            assert bench.client.of_kind("event") == []
            await bench.go_round(1)
            assert bench.client.of_kind("event") == sent
        await bench.stop()

    run(story())


def test_nothing_more_is_sent_while_the_broker_does_not_acknowledge():
    async def story():
        bench = Bench()
        bench.add_events(3)
        bench.client.hold = asyncio.Event()
        bench.client.connect()
        await settle()
        assert len(bench.client.out) == 1
        kept, acks = await bench.down(bench.claims("ping"))
        assert kept
        assert [ack["stage"] for ack in acks] == ["received", "done"]
        hold, bench.client.hold = bench.client.hold, None
        hold.set()
        await bench.go_round()
        assert len(bench.client.of_kind("event")) >= 4
        await bench.stop()

    run(story())


def test_state_follows_changes_but_is_not_poured_out():
    async def story():
        bench = Bench(credit_wh=2_000_000)
        bench.tick()
        await bench.connect()
        bench.client.out = []
        for _ in range(20):
            await bench.go_round(1)
        assert bench.client.of_kind("state") == []
        bench.use(200)
        await bench.go_round(1)
        assert [each["credit_wh"] for each in bench.client.of_kind("state")] == [1_999_800]
        bench.use(90)
        await bench.go_round(20)
        bench.use(200)
        await bench.go_round(1)
        assert [each["credit_wh"] for each in bench.client.of_kind("state")] == [1_999_510]
        bench.use(200)
        await bench.go_round(5)
        assert bench.client.of_kind("state") == []
        await bench.go_round(5)
        assert len(bench.client.of_kind("state")) == 1
        await bench.go_round(1000)
        assert len(bench.client.of_kind("state")) == 1
        await bench.stop()

    run(story())


def test_an_opened_switch_is_told_at_once_and_flutter_is_held_back():
    async def story():
        bench = Bench(credit_wh=50)
        bench.tick()
        await bench.connect()
        await bench.go_round(2)
        bench.client.out = []
        bench.use(60)
        await bench.go_round(1)
        state = bench.client.of_kind("state")[0]
        assert not state["load_closed"]
        assert state["open_reasons"] == ["no_credit"]
        bench.meter.enter_token(bench.credit_token(), "keypad")
        bench.tick()
        await bench.go_round(0)
        assert bench.client.of_kind("state") == []
        await bench.go_round(1)
        assert bench.client.of_kind("state")[0]["load_closed"]
        await bench.stop()

    run(story())


def test_revisions_rise_over_reconnections():
    async def story():
        bench = Bench()
        seen = []
        for _ in range(4):
            await bench.connect()
            seen += [each["revision"] for each in bench.client.of_kind("state")]
            await bench.go_round(2)
        assert len(seen) >= 4
        assert seen == sorted(set(seen))
        await bench.stop()

    run(story())


def test_a_fault_while_reporting_is_logged_and_tried_again():
    async def story():
        bench = Bench()
        good = bench.meter.state_message
        setattr(bench.meter, "state_message", lambda: 1 // 0)  # noqa: B010 - the checker's eyes
        await bench.connect()
        assert "ZeroDivisionError" in bench.logged[-1]
        setattr(bench.meter, "state_message", good)  # noqa: B010
        await bench.go_round()
        assert bench.client.of_kind("state")
        assert bench.client.of_kind("event")
        await bench.stop()

    run(story())
