"""A ring of fixed-size, checksummed records on raw flash.

Flash programs bits only from 1 to 0 and erases whole sectors, and power may fail at any byte of
either. So records are only appended, each carries a rising serial number first and a CRC-32 last,
and a sector is erased only when the ring comes round to it again.
"""

import struct
from binascii import crc32

SECTOR_SIZE = 4096
_ATTEMPTS = 3
_CHUNK = 256
_BLANK = b"\xff" * _CHUNK
# What is read back or looked through; one for all rings, nothing stays in it.
_CHECK = bytearray(_CHUNK)


class StorageFault(Exception):
    """Flash does not keep what is written to it, or what it held is damaged."""


class Ring:
    """Appends records to, and finds the newest in, a run of sectors of a block device.

    Args:
        device: block device with readblocks(n, buffer, offset), writeblocks(n, buffer, offset)
            (programs without erasing) and ioctl(6, n) (erases sector n), as esp32.Partition.
        first_sector: where the ring begins.
        sectors: how many it spans, >= 2.
        slot_size: bytes of a record, a divisor of 4096; the first four are the serial number
            (little-endian, < 2**32 - 1) and the last four the CRC-32 of all before.
    """

    def __init__(self, device, first_sector, sectors, slot_size):
        self._device = device
        self._first = first_sector
        self._sectors = sectors
        self.slot_size = slot_size
        self._per_sector = SECTOR_SIZE // slot_size
        self._check = memoryview(_CHECK)[: min(slot_size, _CHUNK)]
        self.sector = 0
        self._slot = 0
        self._ready = -1
        self.serial = 0

    def format(self):
        """Erase every sector: the ring is empty afterwards."""
        for sector in range(self._sectors):
            self._erase(sector)
        self.sector = self._slot = self.serial = 0
        self._ready = 0

    def mount(self, record):
        """Find the newest record and the place after it.

        Args:
            record: buffer of slot_size that receives the newest record.

        Returns:
            Its serial number, or 0 if the ring holds no valid record.
        """
        newest = self.serial = 0
        self.sector = self._slot = 0
        for sector in range(self._sectors):
            serial = self.first_serial(sector, record)
            if serial > newest:
                newest, self.sector = serial, sector
        self._ready = -1
        if not newest:
            return 0
        newest_slot = 0
        for slot in range(self._per_sector):
            serial = self.read(self.sector, slot, record)
            if serial > self.serial:
                self.serial, newest_slot = serial, slot
            if serial or not self._is_blank_record(record):
                self._slot = slot + 1
        self.read(self.sector, newest_slot, record)
        return self.serial

    def read(self, sector, slot, record):
        """Read one slot into `record`; return its serial number, or 0 if it is not valid."""
        self._device.readblocks(self._first + sector, record, slot * self.slot_size)
        end = self.slot_size - 4
        serial, stored = _ends(record, end)
        if serial == 0xFFFFFFFF or crc32(memoryview(record)[:end]) != stored:
            return 0
        return serial

    def append(self, record, serial=None):
        """Write `record` behind the newest one and read it back.

        Args:
            record: buffer of slot_size; its serial number and CRC-32 are filled in here.
            serial: its serial number, greater than any before; by default the next one.

        Raises:
            StorageFault: the record did not read back as written, in several slots.
        """
        serial = self.serial + 1 if serial is None else serial
        struct.pack_into("<I", record, 0, serial)
        end = self.slot_size - 4
        struct.pack_into("<I", record, end, crc32(memoryview(record)[:end]))
        for _ in range(_ATTEMPTS):
            if self._slot >= self._per_sector:
                self.prepare()
                self.sector = self.next_sector(self.sector)
                self._slot = 0
            elif self._slot == 0 and self._ready != self.sector:
                self._make_blank(self.sector)
            slot = self._slot
            self._slot = slot + 1
            if self._write(slot, record):
                self.serial = serial
                return
        raise StorageFault("flash does not hold what is written to it")

    def prepare(self):
        """Erase the next sector ahead of need, so that a later append only programs."""
        following = self.next_sector(self.sector)
        if self._ready != following:
            self._make_blank(following)

    def needs_preparing(self):
        """Whether the sector after the current one is not yet known to be blank."""
        return self._ready != self.next_sector(self.sector)

    def next_sector(self, sector):
        """Return the sector after one; after the current one comes the oldest."""
        return (sector + 1) % self._sectors

    def first_serial(self, sector, record):
        """Read the first valid record of a sector; return its serial number, or 0."""
        for slot in range(self._per_sector):
            serial = self.read(sector, slot, record)
            if serial:
                return serial
            if slot == 0 and self.is_blank(sector):
                return 0
        return 0

    def _is_blank_record(self, record):
        for start in range(0, self.slot_size, _CHUNK):
            part = memoryview(record)[start : start + _CHUNK]
            if part != memoryview(_BLANK)[: len(part)]:
                return False
        return True

    def is_blank(self, sector):
        """Return True if nothing is written in a sector."""
        for start in range(0, SECTOR_SIZE, _CHUNK):
            self._device.readblocks(self._first + sector, _CHECK, start)
            if _CHECK != _BLANK:
                return False
        return True

    def _make_blank(self, sector):
        if not self.is_blank(sector):
            self._erase(sector)
        self._ready = sector

    def _erase(self, sector):
        try:
            self._device.ioctl(6, self._first + sector)
        except OSError as error:
            raise StorageFault("flash cannot be erased") from error

    def _write(self, slot, record):
        """Program one slot of the current sector; tell whether it reads back the same."""
        check = self._check
        size = len(check)
        try:
            block, start = self._first + self.sector, slot * self.slot_size
            self._device.writeblocks(block, record, start)
            for offset in range(0, self.slot_size, size):
                self._device.readblocks(block, check, start + offset)
                if memoryview(record)[offset : offset + size] != check:
                    return False
        except OSError:
            return False
        return True


def _ends(record, end):
    return struct.unpack_from("<I", record, 0)[0], struct.unpack_from("<I", record, end)[0]
