"""Messages on their way to the head-end, kept on flash until it says that it has stored them.

Every event and reading is one 32-byte record with a number that never repeats. Four rings share
the "profile" partition: fraud events, other events, readings, and every fourth of the readings
that had to make room unsent. So when a meter is offline for months the oldest readings thin out
first, and no reading ever pushes out an event.
"""

import struct

from firmware.meter.ring import SECTOR_SIZE, Ring
from shared.wire.codes import is_fraud_event

SECTORS = 32
RECORD_SIZE = 32
EVENT = 0
READING = 1
# Number, boot, kind, high byte of c, code, time, a, b, c; the CRC-32 follows.
_RECORD = "<IIBBHIiiI"
_SLOTS = SECTOR_SIZE // RECORD_SIZE
_KEEP_ONE_IN = 4


class Queue:
    """Numbers, stores and hands out messages.

    Args:
        device: the "profile" partition, a block device of >= 32 sectors of 4096 bytes.

    Attributes:
        last: (boot, seq) of the newest message; seq 0 if there has been none.
        stored: (boot, seq) up to which the head-end has stored everything.
        discarded: readings and events dropped unsent since this was last set to 0.
    """

    def __init__(self, device):
        self._fraud = Ring(device, 0, 3, RECORD_SIZE)
        self._events = Ring(device, 3, 5, RECORD_SIZE)
        self._readings = Ring(device, 8, 16, RECORD_SIZE)
        self._thinned = Ring(device, 24, 8, RECORD_SIZE)
        self._rings = (self._fraud, self._events, self._readings, self._thinned)
        self._record = bytearray(RECORD_SIZE)
        self._other = bytearray(RECORD_SIZE)
        self.last = self.stored = (0, 0)
        self.discarded = 0

    def format(self):
        """Erase all; only provisioning does this."""
        for ring in self._rings:
            ring.format()

    def mount(self):
        """Find the newest message of each ring."""
        for ring in self._rings:
            if ring.mount(self._record):
                self.last = max(self.last, _number(self._record))

    def append(self, message):
        """Store a message that `pack` made; one that is already stored is left alone.

        Raises:
            StorageFault: flash does not keep it.
        """
        record = self._record
        record[: len(message)] = message
        number = _number(record)
        if number <= self.last:
            return
        ring = self._readings
        if record[8] == EVENT:
            fraud = is_fraud_event(struct.unpack_from("<H", record, 10)[0])
            ring = self._fraud if fraud else self._events
        if ring.needs_preparing():
            self._make_room(ring)
        ring.append(record, number[1])
        self.last = number

    def prepare(self):
        """Erase at most one sector ahead of need; return True if there was something to do."""
        for ring in self._rings:
            if ring.needs_preparing():
                self._make_room(ring)
                return True
        return False

    def pending(self, after, limit):
        """Yield up to `limit` messages numbered after (boot, seq), oldest first.

        Yields:
            tuple (seq, boot, kind, high byte of c, code, time, a, b, c).
        """
        while limit > 0 and after < self.last:
            best = None
            for ring in self._rings:
                found = self._next_in(ring, after)
                if found and (best is None or found[:2] < best[:2]):
                    best = found
            if best is None:
                return
            after = (best[1], best[0])
            limit -= 1
            yield best

    def _next_in(self, ring, after):
        """Return the first message of a ring after (boot, seq), or None."""
        start = None
        for place in ring.sectors_from_oldest():
            first = self._scan(ring, place, _NONE)
            if not first:
                continue
            if (first[1], first[0]) > after:
                return (start and self._scan(ring, start, after)) or first
            start = place
        return start and self._scan(ring, start, after)

    def _scan(self, ring, place, after):
        """Return the first message of one sector after (boot, seq), or None."""
        sector, slots = place
        for slot in range(slots):
            if ring.read(sector, slot, self._other) and _number(self._other) > after:
                return struct.unpack_from(_RECORD, self._other, 0)
        return None

    def _make_room(self, ring):
        """Erase the ring's oldest sector; unsent readings in it thin out, the rest is counted."""
        oldest = next(ring.sectors_from_oldest())
        unsent = self._scan(ring, (oldest[0], _SLOTS), self.stored)
        if unsent:
            self._discard(ring, oldest[0])
        ring.prepare()

    def _discard(self, ring, sector):
        for slot in range(_SLOTS):
            if not ring.read(sector, slot, self._other) or _number(self._other) <= self.stored:
                continue
            serial = _number(self._other)[1]
            kept = ring is self._readings and slot % _KEEP_ONE_IN == 0
            if not kept:
                self.discarded += 1
            elif serial > self._thinned.serial:
                record = bytes(self._other)
                if self._thinned.needs_preparing():
                    self._make_room(self._thinned)
                self._other[:] = record
                self._thinned.append(self._other, serial)


_NONE = (0, 0)


def pack(number, kind, code, time, a=0, b=0, c=0):
    """Return a message as it is stored (28 bytes).

    Args:
        number: (boot, seq).
        kind: EVENT or READING.
        code: event code; of a reading the voltage in 0.1 V.
        time: UTC seconds, None if the clock was never set.
        a, b: signed 32-bit figures: of an event its detail, of a reading credit Wh and power W.
        c: unsigned 40-bit figure: of a reading the total import in Wh.
    """
    boot, seq = number
    low = c & 0xFFFFFFFF
    return struct.pack(_RECORD, seq, boot, kind, c >> 32, code, time or 0, a, b, low)


def _number(record):
    seq, boot = struct.unpack_from("<II", record, 0)
    return boot, seq
