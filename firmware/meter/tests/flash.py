"""A flash that behaves like the real one and loses power at any chosen byte; runs anywhere."""

SECTOR_SIZE = 4096


class PowerCut(Exception):
    """Power failed in the middle of a write or an erase."""


class Flash:
    """Block device in memory: programming only clears bits, erasing sets a whole sector.

    Args:
        sectors: its size.

    Attributes:
        cut_after: bytes that may still be programmed or erased before power fails; None: never.
        dead: whether every write and erase fails.
        worn: byte address whose bits no longer clear; None: none.
        touched: bytes programmed or erased so far.
    """

    def __init__(self, sectors, image=None):
        self.image = bytearray(image) if image else bytearray(b"\xff" * (sectors * SECTOR_SIZE))
        self.cut_after = None
        self.worn = None
        self.dead = False
        self.touched = 0

    def readblocks(self, block, buffer, offset=0):
        """Copy stored bytes into `buffer`."""
        start = block * SECTOR_SIZE + offset
        buffer[:] = memoryview(self.image)[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        """Program `buffer`, byte by byte if power is about to fail."""
        if self.dead:
            raise OSError(5)
        start = block * SECTOR_SIZE + offset
        count = self._allowed(len(buffer))
        image = self.image
        for index in range(count):
            if start + index != self.worn:
                image[start + index] &= buffer[index]
        self._fail_if_short(count, len(buffer))

    def ioctl(self, operation, argument):
        """Answer 4 (sectors) and 5 (sector size); 6 erases one sector."""
        if operation == 4:
            return len(self.image) // SECTOR_SIZE
        if operation == 5:
            return SECTOR_SIZE
        if operation == 6:
            if self.dead:
                raise OSError(5)
            count = self._allowed(SECTOR_SIZE)
            start = argument * SECTOR_SIZE
            memoryview(self.image)[start : start + count] = b"\xff" * count
            self._fail_if_short(count, SECTOR_SIZE)
        return 0

    def _allowed(self, wanted):
        self.touched += wanted
        if self.cut_after is None:
            return wanted
        allowed = min(wanted, self.cut_after)
        self.cut_after -= allowed
        return allowed

    def _fail_if_short(self, done, wanted):
        if done < wanted:
            raise PowerCut
