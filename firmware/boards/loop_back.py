"""The wire between meter and keypad when both live in one box: the same bytes, no copper.

So the combined box runs the very link that the split pair runs.
"""

from micropython import const

_CAPACITY = const(160)  # more than any question and answer in flight


class _Bytes:
    """A ring of bytes; what does not fit is lost, as on an overrun UART."""

    def __init__(self):
        self._ring = bytearray(_CAPACITY)
        self._start = 0
        self.length = 0

    def put(self, octets):
        for octet in octets:
            if self.length < _CAPACITY:
                self._ring[(self._start + self.length) % _CAPACITY] = octet
                self.length += 1

    def take_into(self, buffer):
        count = min(self.length, len(buffer))
        for index in range(count):
            buffer[index] = self._ring[(self._start + index) % _CAPACITY]
        self._start = (self._start + count) % _CAPACITY
        self.length -= count
        return count


class LoopBackEnd:
    """One end of the wire, with the methods of machine.UART that the link uses."""

    def __init__(self, incoming, outgoing):
        self._incoming = incoming
        self._outgoing = outgoing

    def any(self):
        """Return how many bytes wait."""
        return self._incoming.length

    def readinto(self, buffer):
        """Read what waits into a buffer; return the count, or None if nothing waits."""
        return self._incoming.take_into(buffer) or None

    def write(self, octets):
        """Send; return how many bytes were taken."""
        self._outgoing.put(octets)
        return len(octets)


def make_loop_back():
    """Return the two ends of a wire."""
    one, other = _Bytes(), _Bytes()
    return LoopBackEnd(one, other), LoopBackEnd(other, one)
