"""A meter with its link to the head-end, and a client played by hand; runs anywhere."""

import asyncio

from firmware.meter.tests import kit  # loads deep modules first, for 32 bits

# isort: split
from firmware.meter.headend_link import HeadendLink
from firmware.meter.tests.mqtt_peer import Sleep, settle
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
