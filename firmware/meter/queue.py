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
# First sector and number of sectors of each ring.
_RINGS = ((0, 3), (3, 5), (8, 16), (24, 8))
_FRAUD = 0
_EVENTS = 1
_READINGS = 2
_THINNED = 3


class Lane:
    """One ring of messages, read in order.

    Attributes:
        newest: (boot, seq) of its newest message.
    """

    def __init__(self, ring, record):
        """Take the Ring, and a buffer for one record."""
        self.ring = ring
        self.newest = (0, 0)
        self._record = record
        self._place = None  # where the last message handed out stands, and its (boot, seq)

    def mount(self):
        """Find the newest message."""
        if self.ring.mount(self._record):
            self.newest = _number(self._record)

    def append(self, record):
        """Store a record."""
        number = _number(record)
        self.ring.append(record, number[1])
        self.newest = number

    def erase_oldest(self):
        """Erase the sector with the oldest messages."""
        self._place = None
        self.ring.prepare()

    def first_after(self, after):
        """Return the first message after (boot, seq), unpacked, or None."""
        if self.newest <= after:
            return None
        place = self._place
        if place is None or place[2] > after:
            place = (self._sector_before(after), 0)
        sector, slot = place[:2]
        while True:
            if self._find(sector, slot, after):
                return struct.unpack_from(_RECORD, self._record, 0)
            if sector == self.ring.sector:
                return None
            sector, slot = self.ring.next_sector(sector), 0

    def _find(self, sector, slot, after):
        """Read on in one sector up to a message after (boot, seq); tell whether there is one."""
        ring, record = self.ring, self._record
        while slot < _SLOTS:
            if ring.read(sector, slot, record):
                number = _number(record)
                if number > after:
                    self._place = (sector, slot, number)
                    return True
            elif slot == 0 and ring.is_blank(sector):
                return False
            slot += 1
        return False

    def _sector_before(self, after):
        """Return the last sector that begins at or before (boot, seq), else the oldest."""
        ring = self.ring
        sector = start = ring.next_sector(ring.sector)
        while True:
            if ring.first_serial(sector, self._record):
                if _number(self._record) > after:
                    return start
                start = sector
            if sector == ring.sector:
                return start
            sector = ring.next_sector(sector)


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
        self._record = bytearray(RECORD_SIZE)
        self._lanes = [
            Lane(Ring(device, first, sectors, RECORD_SIZE), self._record)
            for first, sectors in _RINGS
        ]
        self.last = self.stored = (0, 0)
        self.discarded = 0

    def format(self):
        """Erase all; only provisioning does this."""
        for lane in self._lanes:
            lane.ring.format()

    def mount(self):
        """Find the newest message of each ring."""
        for lane in self._lanes:
            lane.mount()
            self.last = max(self.last, lane.newest)

    def append(self, message):
        """Store a message that `pack` made; one that is already stored is left alone.

        Raises:
            StorageFault: flash does not keep it.
        """
        number = _number(message)
        if number <= self.last:
            return
        lane = self._lanes[_READINGS]
        if message[8] == EVENT:
            fraud = is_fraud_event(struct.unpack_from("<H", message, 10)[0])
            lane = self._lanes[_FRAUD if fraud else _EVENTS]
        if lane.ring.needs_preparing():
            self._make_room(lane)
        self._record[: len(message)] = message
        lane.append(self._record)
        self.last = number

    def prepare(self):
        """Erase at most one sector ahead of need; return True if there was something to do."""
        for lane in self._lanes:
            if lane.ring.needs_preparing():
                self._make_room(lane)
                return True
        return False

    def pending(self, after, limit):
        """Yield up to `limit` messages numbered after (boot, seq), oldest first.

        Yields:
            tuple (seq, boot, kind, high byte of c, code, time, a, b, c).
        """
        while limit > 0 and after < self.last:
            best = None
            for lane in self._lanes:
                found = lane.first_after(after)
                if found and (best is None or found[0] < best[0]):
                    best = found
            if best is None:
                return
            after = (best[1], best[0])
            limit -= 1
            yield best

    def _make_room(self, lane):
        """Erase a ring's oldest sector; unsent readings in it thin out, the rest is counted."""
        ring = lane.ring
        oldest = ring.next_sector(ring.sector)
        if lane.newest > self.stored and not ring.is_blank(oldest):
            self._discard(lane, oldest)
        lane.erase_oldest()

    def _discard(self, lane, sector):
        thinned = self._lanes[_THINNED]
        record = self._record
        for slot in range(_SLOTS):
            if not lane.ring.read(sector, slot, record) or _number(record) <= self.stored:
                continue
            if lane is not self._lanes[_READINGS] or slot % _KEEP_ONE_IN:
                self.discarded += 1
            elif _number(record) > thinned.newest:
                if thinned.ring.needs_preparing():
                    kept = bytes(record)
                    self._make_room(thinned)
                    record[:] = kept
                thinned.append(record)


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
