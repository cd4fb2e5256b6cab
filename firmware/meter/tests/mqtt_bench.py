"""The MQTT client and a broker played by hand; runs on CPython and inside MicroPython."""

import asyncio

from firmware.meter.mqtt_client import MQTTClient
from firmware.meter.tests.mqtt_peer import (
    CONNACK_NEW,
    SUBACK_ONE,
    Line,
    Sleep,
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
