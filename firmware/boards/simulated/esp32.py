"""Shadows `esp32`: flash partitions kept in files of the working directory.

Flash rules hold: erasing sets 4096 bytes to 0xFF, programming only clears bits. {"cut_after": n}
from the bench cuts the power after n more bytes, in the midst of a program or erase; the rest of
it does not happen. Reads and writes allocate nothing, so that they also work while a garbage
collection has locked the heap.
"""

import bench_line
from micropython import const

_SECTOR = const(4096)
_CHUNK = const(64)
_SIZES = {"state": 65536, "profile": 131072}

_cut_armed = False
_cut_after = 0


def _on_cut_after(message):
    global _cut_armed, _cut_after
    _cut_armed = message["cut_after"] is not None
    _cut_after = message["cut_after"] or 0


bench_line.handlers["cut_after"] = _on_cut_after


class Partition:
    """One flash partition; the block device protocol of MicroPython with 4096-byte blocks."""

    TYPE_APP = 0
    TYPE_DATA = 1

    @staticmethod
    def find(type=1, subtype=255, label=None, block_size=_SECTOR):
        """Partitions with this label, as a list."""
        return [Partition(label)] if label in _SIZES else []

    def __init__(self, label):
        self._size = _SIZES[label]
        self._file = _open_flash(label + ".bin", self._size)
        self._work = bytearray(_CHUNK)
        self._blank = b"\xff" * _CHUNK

    def info(self):
        """(type, subtype, address, size, label, encrypted), as much as matters here."""
        return (1, 0x40, 0, self._size, "", False)

    def readblocks(self, block, buffer, offset=0):
        """Read len(buffer) bytes from a block's offset on."""
        self._file.seek(block * _SECTOR + offset)
        self._file.readinto(buffer)

    def writeblocks(self, block, buffer, offset=None):
        """Program from a block's offset on; without an offset, erase the blocks first."""
        if offset is None:
            for sector in range(block, block + len(buffer) // _SECTOR):
                self._erase(sector)
            offset = 0
        position = block * _SECTOR + offset
        start = 0
        while start < len(buffer):
            count = min(_CHUNK, len(buffer) - start)
            self._file.seek(position + start)
            self._file.readinto(self._work, count)
            for index in range(count):
                self._work[index] &= buffer[start + index]
            self._put(position + start, self._work, count)
            start += count

    def _erase(self, sector):
        for position in range(sector * _SECTOR, (sector + 1) * _SECTOR, _CHUNK):
            self._put(position, self._blank, _CHUNK)

    def _put(self, position, octets, count):
        """Bring `count` bytes to the file, or as many as the power lasts."""
        global _cut_after
        cut = _cut_armed and _cut_after <= count
        if cut:
            count = _cut_after
        elif _cut_armed:
            _cut_after -= count
        self._file.seek(position)
        self._file.write(octets, count)
        if cut:
            bench_line.cut_power()

    def ioctl(self, operation, argument):
        """4: number of blocks; 5: block size; 6: erase block `argument`."""
        if operation == 4:
            return self._size // _SECTOR
        if operation == 5:
            return _SECTOR
        if operation == 6:
            self._erase(argument)
        return 0


def _open_flash(name, size):
    try:
        return open(name, "r+b", 0)
    except OSError:
        with open(name, "wb") as new:
            for _ in range(size // _CHUNK):
                new.write(b"\xff" * _CHUNK)
        return open(name, "r+b", 0)
