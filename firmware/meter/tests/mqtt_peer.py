"""A broker's end of a connection that a test plays by hand, and a sleep that a test ends."""

import asyncio

CONNACK_NEW = b"\x20\x02\0\0"
CONNACK_RESUMED = b"\x20\x02\x01\0"
SUBACK_ONE = b"\x90\x03\0\x01\x01"
PINGREQ = b"\xc0\0"
PINGRESP = b"\xd0\0"


class Stream:
    """Both stream ends of the client, in memory.

    Attributes:
        closed: True once the client has closed it.
        stuck: set to True when the broker reads no more.
    """

    def __init__(self):
        self.closed = False
        self._to_client = b""
        self._from_client = b""
        self._arrived = asyncio.Event()
        self._written = asyncio.Event()
        self._over = False
        self.stuck = False

    async def readexactly(self, count):
        while len(self._to_client) < count:
            if self._over:
                raise EOFError()
            self._arrived.clear()
            await self._arrived.wait()
        data, self._to_client = self._to_client[:count], self._to_client[count:]
        return data

    def write(self, data):
        if self.closed:
            raise OSError("closed")
        self._from_client += bytes(data)
        self._written.set()

    async def drain(self):
        while self.stuck and not self.closed:
            self._written.clear()
            await self._written.wait()
        if self.closed:
            raise OSError("closed")

    def close(self):
        self.closed = True

    async def wait_closed(self):
        self._written.set()

    def send(self, data):
        """Send bytes to the client."""
        self._to_client += data
        self._arrived.set()

    def hang_up(self):
        """End the stream."""
        self._over = True
        self._arrived.set()

    async def take(self, ignored=(PINGREQ,)):
        """Return the next packet that the client has written, but for pings."""
        while True:
            packet = self._packet()
            if packet is None:
                self._written.clear()
                await self._written.wait()
            elif packet not in ignored:
                return packet

    def nothing_written(self):
        """Return True if the client has written nothing that was not taken, but for pings."""
        while True:
            packet = self._packet()
            if packet is None:
                return True
            if packet != PINGREQ:
                return False

    def _packet(self):
        data = self._from_client
        if len(data) < 2:
            return None
        end = 2 + data[1]
        if data[1] > 127:  # two bytes of length are enough here
            end = 3 + (data[1] & 127) + (data[2] << 7)
        if len(data) < end:
            return None
        self._from_client = data[end:]
        return data[:end]


class Line:
    """Hands out connections: each test decides which come up.

    Attributes:
        refuse: error to raise instead of connecting, or None.
    """

    def __init__(self):
        self.refuse = None
        self.tries = 0
        self._new = []
        self._opened = asyncio.Event()

    async def open(self):
        """Open a connection, as the client does."""
        self.tries += 1
        if self.refuse:
            raise self.refuse
        stream = Stream()
        self._new.append(stream)
        self._opened.set()
        return stream, stream

    async def next(self):
        """Return the next connection that the client has opened."""
        while not self._new:
            self._opened.clear()
            await self._opened.wait()
        return self._new.pop(0)


class Sleep:
    """Replaces asyncio.sleep: sleepers wait until the test lets them go.

    Attributes:
        asked: durations asked for so far, in seconds.
    """

    def __init__(self):
        self.asked = []
        self._sleeping = []
        self._began = asyncio.Event()

    async def __call__(self, seconds):
        self.asked.append(seconds)
        end = asyncio.Event()
        self._sleeping.append((seconds, end))
        self._began.set()
        await end.wait()

    async def end(self, wanted):
        """Wait for a sleep whose duration `wanted` (a function) accepts, end it and return it."""
        while True:
            for place, (seconds, end) in enumerate(self._sleeping):
                if wanted(seconds):
                    self._sleeping.pop(place)
                    end.set()
                    return seconds
            self._began.clear()
            await self._began.wait()

    def forget(self):
        """Forget those who sleep now; they belong to a connection that is gone."""
        self._sleeping = []


def run(work):
    """Run a test's coroutine; fail if it hangs, which a loaded machine takes a minute to tell."""

    async def within():
        await asyncio.wait_for(work, 60)

    try:
        asyncio.run(within())
    finally:
        asyncio.new_event_loop()


async def settle():
    """Let every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)
