"""Flash partitions as image files, written from the host as a device's firmware would."""

from __future__ import annotations

from pathlib import Path

SECTOR = 4096
PARTITIONS = {"state": 16, "profile": 32}  # sectors


class FileFlash:
    """Block device over an image file: programming only clears bits, erasing sets them.

    Args:
        path: the image; made blank if it is not there.
        sectors: its size.
    """

    def __init__(self, path: Path, sectors: int) -> None:
        self._path = path
        if not path.exists():
            path.write_bytes(b"\xff" * (sectors * SECTOR))
        self._image = bytearray(path.read_bytes())

    def readblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        """Read from a block's offset on."""
        start = block * SECTOR + offset
        buffer[:] = self._image[start : start + len(buffer)]

    def writeblocks(self, block: int, buffer: bytes, offset: int = 0) -> None:
        """Program from a block's offset on."""
        start = block * SECTOR + offset
        for index, octet in enumerate(buffer):
            self._image[start + index] &= octet

    def ioctl(self, operation: int, argument: int) -> int:
        """4: number of blocks; 5: block size; 6: erase block `argument`."""
        if operation == 4:
            return len(self._image) // SECTOR
        if operation == 5:
            return SECTOR
        if operation == 6:
            start = argument * SECTOR
            self._image[start : start + SECTOR] = b"\xff" * SECTOR
        return 0

    def save(self) -> None:
        """Write the image to its file."""
        self._path.write_bytes(self._image)
