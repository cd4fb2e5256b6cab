"""The head-end link between a real meter and a client played by hand; runs anywhere."""

import asyncio
import hashlib

from firmware.meter.headend_link import HeadendLink
from firmware.meter.tests import kit
from firmware.meter.tests.mqtt_peer import Sleep, run, settle
from shared.wire import codes, commands, jws, topics
from shared.wire.keys import derive_link_keys, key_id

GENERATION = kit.IDENTITY["link_generation"]
UP_KEY, DOWN_KEY, _ = derive_link_keys(kit.IDENTITY["link_root"], GENERATION)
UP_ID = key_id("up", GENERATION)
DOWN_ID = key_id("down", GENERATION)
PREFIX = "p"
DOWN = topics.down(kit.DRN, PREFIX)
STORED = topics.stored(kit.DRN, PREFIX)


class HandClient:
    """Stands in for the MQTT client: keeps what is published, connects when told.

    Attributes:
        out: (kind, claims or payload, retained) of what was published.
        hold: an Event to make `publish` wait, or None.
    """

    def __init__(self, subscriptions, on_message, on_up, will):
        self.subscriptions = subscriptions
        self.will = will
        self.up = False
        self.out = []
        self.hold = None
        self.arrive = on_message
        self._on_up = on_up

    async def run(self):
        await asyncio.Event().wait()

    def connect(self):
        self.up = True
        self._on_up()

    async def publish(self, topic, payload, retain=False):
        self.take(topic, payload, retain)
        if self.hold:
            await self.hold.wait()

    async def send(self, topic, payload):
        self.take(topic, payload, False)
        return True

    def take(self, topic, payload, retain):
        start = PREFIX + "/" + kit.DRN + "/up/"
        assert topic.startswith(start)
        kind = topic[len(start) :]
        if kind != "online":
            packet = bytearray()
            payload(packet)
            payload = bytes(packet)
            assert len(payload) < 1024
            payload = jws.verify(payload, UP_KEY, UP_ID)
            commands.check_envelope(payload, kind, kit.DRN)
        self.out.append((kind, payload, retain))

    def of_kind(self, kind):
        """Return what was published of one kind and forget it."""
        found = [payload for each, payload, _ in self.out if each == kind]
        self.out = [each for each in self.out if each[0] != kind]
        return found


class Bench(kit.Bench):
    """A meter with its link; `go_round` lets the link look once."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.start_link()

    def start_link(self):
        self.sleep = Sleep()
        self.logged: list = []
        self.link = HeadendLink(
            self.meter,
            kit.DRN,
            kit.IDENTITY["link_root"],
            GENERATION,
            self.make_client,
            PREFIX,
            self.clock,
            self.logged.append,
            self.sleep,
        )
        self.running = asyncio.create_task(self.link.run())

    def make_client(self, *arguments):
        self.client = HandClient(*arguments)
        return self.client

    async def go_round(self, seconds=0):
        """Let time pass and the link look once."""
        await settle()
        self.clock.pass_time(seconds)
        await self.sleep.end(lambda _: True)
        await settle()

    async def connect(self):
        self.client.connect()
        await self.go_round()

    async def stop(self):
        self.running.cancel()
        try:
            await self.running
        except asyncio.CancelledError:
            pass

    async def down(self, claims, key=DOWN_KEY, key_id=DOWN_ID):
        """Let a command arrive; return (acknowledged, the acks it led to)."""
        kept = await self.client.arrive(DOWN, jws.sign(claims, key, key_id))
        return kept, self.client.of_kind("ack")

    async def stored(self, number, key=DOWN_KEY):
        """Let a watermark arrive."""
        claims = commands.envelope("stored", kit.DRN)
        claims.update({"boot": number[0], "seq": number[1]})
        return await self.client.arrive(STORED, jws.sign(claims, key, DOWN_ID))

    def watermark(self):
        return self.meter.state.stored_boot, self.meter.state.stored_seq

    def add_events(self, count):
        for _ in range(count):
            self.meter.report_event(codes.EVENT_COVER_OPENED)


def numbers(messages):
    """Return (boot, seq) of messages."""
    return [(each["boot"], each["seq"]) for each in messages]


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


def test_a_command_is_received_done_and_reported():
    async def story():
        bench = Bench()
        await bench.connect()
        bench.client.out = []
        kept, acks = await bench.down(bench.claims("token", {"digits": bench.credit_token(500)}))
        assert kept
        assert acks[0]["stage"] == "received"
        assert acks[1]["stage"] == "done"
        assert acks[1]["status"] == 1
        assert acks[1]["detail"]["credited_wh"] == 50000
        await bench.go_round(2)
        state = bench.client.of_kind("state")[0]
        assert state["credit_wh"] == 50000
        assert state["last_n"] == 1
        told = [each["code"] for each in bench.client.of_kind("event")]
        assert codes.EVENT_TOKEN_ACCEPTED in told
        await bench.stop()

    run(story())


def test_the_same_bytes_take_effect_once_and_get_the_first_answer():
    async def story():
        bench = Bench()
        await bench.connect()
        claims = bench.claims("token", {"digits": bench.credit_token(500)})
        first = await bench.down(claims)
        for _ in range(3):
            assert await bench.down(claims) == first
        assert bench.meter.state.credit_wh == 50000
        await bench.stop()
        bench.boot()
        bench.start_link()
        await bench.connect()
        assert await bench.down(claims) == first
        assert bench.meter.state.credit_wh == 50000
        await bench.stop()

    run(story())


def test_other_bytes_with_an_old_number_are_refused_as_replayed():
    async def story():
        bench = Bench()
        await bench.connect()
        await bench.down(bench.claims("token", {"digits": bench.credit_token(500)}))
        claims = bench.claims("token", {"digits": bench.credit_token(100)}, n=1)
        _, acks = await bench.down(claims)
        assert acks[-1]["status"] == codes.REPLAYED
        assert bench.meter.state.credit_wh == 50000
        assert codes.EVENT_COMMAND_REPLAYED in bench.event_codes()
        await bench.stop()

    run(story())


def test_what_is_not_authentic_is_dropped_without_an_answer_and_noted():
    async def story():
        bench = Bench()
        await bench.connect()
        bench.client.out = []
        claims = bench.claims("token", {"digits": bench.credit_token(500)})
        signed = jws.sign(claims, DOWN_KEY, DOWN_ID)
        altered = bytearray(signed)
        altered[-1] ^= 1
        stranger = dict(claims)
        stranger["sub"] = "00000000026"
        watermark = commands.envelope("stored", kit.DRN)
        watermark.update({"boot": 1, "seq": 1})
        nothing = (
            b"",
            b"hello",
            bytes(altered),
            signed[:-1],
            jws.sign(claims, UP_KEY, DOWN_ID),
            jws.sign(claims, DOWN_KEY, "down0"),
            jws.sign(claims, UP_KEY, UP_ID),
            jws.sign(stranger, DOWN_KEY, DOWN_ID),
            jws.sign(watermark, DOWN_KEY, DOWN_ID),
            jws.sign({}, DOWN_KEY, DOWN_ID),
        )
        for message in nothing:
            assert await bench.client.arrive(DOWN, message)
        assert bench.client.out == []
        assert bench.meter.state.last_n == 0
        assert bench.meter.state.credit_wh == 0
        # A flood of them must not push honest events out of storage.
        assert bench.event_codes().count(codes.EVENT_COMMAND_FORGED) == 1
        bench.clock.pass_time(61)
        await bench.client.arrive(DOWN, b"once more")
        assert bench.event_codes().count(codes.EVENT_COMMAND_FORGED) == 2
        _, acks = await bench.down(claims)
        assert acks[-1]["status"] == 1
        await bench.stop()

    run(story())


def test_a_signed_command_that_makes_no_sense_is_answered():
    async def story():
        bench = Bench()
        await bench.connect()
        claims = bench.claims("ping")
        for change, status in (
            ({"cmd": "format_flash"}, codes.UNKNOWN_COMMAND),
            ({"v": 9}, codes.UNKNOWN_COMMAND),
            ({"cmd": "token"}, codes.BAD_ARGUMENTS),
            ({"args": {"loud": True}}, codes.BAD_ARGUMENTS),
        ):
            bad = dict(claims)
            bad.update(change)
            kept, acks = await bench.down(bad)
            assert kept
            assert [(ack["stage"], ack["status"]) for ack in acks] == [("done", status)]
        assert bench.meter.state.last_n == 0
        await bench.stop()

    run(story())


def test_commands_out_of_date_or_for_another_boot_are_refused():
    async def story():
        bench = Bench()
        await bench.connect()
        action = {"action": "disconnect"}
        late = bench.claims("load_switch", action, exp=kit.NOW - 1)
        assert (await bench.down(late))[1][-1]["status"] == codes.EXPIRED
        other_boot = bench.claims("load_switch", action, boot="another")
        assert (await bench.down(other_boot))[1][-1]["status"] == codes.CLOCK_MISMATCH
        assert "remote" not in bench.meter.state_message()["open_reasons"]
        timely = bench.claims("load_switch", action, exp=kit.NOW + 60)
        assert (await bench.down(timely))[1][-1]["status"] == codes.OK
        assert "remote" in bench.meter.state_message()["open_reasons"]
        await bench.stop()

    run(story())


def test_the_digest_is_that_of_the_bytes():
    async def story():
        bench = Bench()
        await bench.connect()
        claims = bench.claims("configure", {"low_credit_wh": 7000})
        await bench.down(claims)
        digest = hashlib.sha256(jws.sign(claims, DOWN_KEY, DOWN_ID)).digest()[:8]
        assert bench.meter.state.answers[-1][1] == digest
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
