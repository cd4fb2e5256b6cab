"""Flash that behaves like the real one and loses power at any chosen byte; runs anywhere."""

SECTOR_SIZE = 4096


class PowerCut(Exception):
    """Power failed in the middle of a write or an erase."""


class Power:
    """What feeds one or more flashes.

    Attributes:
        cut_after: bytes that may still be programmed or erased before power fails; None: never.
        touched: bytes programmed or erased so far.
    """

    def __init__(self):
        self.cut_after = None
        self.touched = 0

    def allow(self, wanted):
        """Return how many bytes of `wanted` are done before power fails."""
        allowed = wanted if self.cut_after is None else min(wanted, self.cut_after)
        if self.cut_after is not None:
            self.cut_after -= allowed
        self.touched += allowed
        return allowed


class Flash:
    """Block device in memory: programming only clears bits, erasing sets a whole sector.

    Attributes:
        image: its content.
        power: Power.
        dead: whether every write and erase fails.
        reads: how often it was read.
        worn: byte address whose bits no longer clear; None: none.
    """

    def __init__(self, sectors, image=None, power=None):
        self.image = bytearray(image) if image else bytearray(b"\xff" * (sectors * SECTOR_SIZE))
        self.power = power or Power()
        self.dead = False
        self.worn = None
        self.reads = 0

    def readblocks(self, block, buffer, offset=0):
        """Copy stored bytes into `buffer`."""
        self.reads += 1
        start = block * SECTOR_SIZE + offset
        buffer[:] = memoryview(self.image)[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        """Program `buffer`, byte by byte if power is about to fail."""
        if self.dead:
            raise OSError(5)
        start = block * SECTOR_SIZE + offset
        count = self.power.allow(len(buffer))
        image = self.image
        for index in range(count):
            if start + index != self.worn:
                image[start + index] &= buffer[index]
        if count < len(buffer):
            raise PowerCut

    def ioctl(self, operation, argument):
        """Answer 4 (sectors) and 5 (sector size); 6 erases one sector."""
        if operation == 4:
            return len(self.image) // SECTOR_SIZE
        if operation == 5:
            return SECTOR_SIZE
        if operation == 6:
            if self.dead:
                raise OSError(5)
            count = self.power.allow(SECTOR_SIZE)
            start = argument * SECTOR_SIZE
            memoryview(self.image)[start : start + count] = b"\xff" * count
            if count < SECTOR_SIZE:
                raise PowerCut
        return 0
