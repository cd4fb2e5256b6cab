"""Consistent Overhead Byte Stuffing: a frame without zero bytes, so that zero can end it.

After S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", 1999. The delimiter itself is
not part of what these functions take and return.
"""


class BadCOBS(ValueError):
    """The bytes are no COBS frame."""


def encode(data):
    """Return `data` (bytes) stuffed: at most one byte longer per 254, and free of zeros."""
    stuffed = bytearray(len(data) + len(data) // 254 + 1)
    start = 0
    end = 1
    for byte in data:
        if byte:
            stuffed[end] = byte
            end += 1
        if not byte or end - start == 255:
            stuffed[start] = end - start
            start = end
            end += 1
    stuffed[start] = end - start
    return bytes(memoryview(stuffed)[:end])


def decode(stuffed):
    """Return the bytes that `encode` was given.

    Raises:
        BadCOBS: empty, holds a zero, or a block runs over the end.
    """
    end = len(stuffed)
    if not end:
        raise BadCOBS("empty")
    data = bytearray(end)
    length = start = written = 0
    while start < end:
        if start and length < 255:
            data[written] = 0
            written += 1
        length = stuffed[start]
        if not length or start + length > end:
            raise BadCOBS("block broken")
        for place in range(start + 1, start + length):
            if not stuffed[place]:
                raise BadCOBS("block broken")
            data[written] = stuffed[place]
            written += 1
        start += length
    return bytes(memoryview(data)[:written])
