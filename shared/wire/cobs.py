"""Consistent Overhead Byte Stuffing: a frame without zero bytes, so that zero can end it.

After S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", 1999. The delimiter itself is
not part of what these functions take and return.
"""


class BadCOBS(ValueError):
    """The bytes are no COBS frame."""


def encode(data):
    """Return `data` (bytes) stuffed: at most one byte longer per 254, and free of zeros."""
    stuffed = bytearray(1)
    start = 0
    for byte in data:
        if byte:
            stuffed.append(byte)
        if not byte or len(stuffed) - start == 255:
            stuffed[start] = len(stuffed) - start
            start = len(stuffed)
            stuffed.append(0)
    stuffed[start] = len(stuffed) - start
    return bytes(stuffed)


def decode(stuffed):
    """Return the bytes that `encode` was given.

    Raises:
        BadCOBS: empty, holds a zero, or a block runs over the end.
    """
    end = len(stuffed)
    if not end:
        raise BadCOBS("empty")
    data = bytearray()
    start = 0
    while start < end:
        length = stuffed[start]
        block = stuffed[start + 1 : start + length]
        if not length or len(block) != length - 1 or 0 in block:
            raise BadCOBS("block broken")
        data.extend(block)
        start += length
        if length < 255 and start < end:
            data.append(0)
    return bytes(data)
