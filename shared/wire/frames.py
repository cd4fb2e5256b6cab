"""Frames between meter and keypad: COBS with a zero as delimiter, CRC-32 inside.

Before stuffing: version, destination, source, sequence, type (a byte each), payload of at most 48
bytes, CRC-32 of all before it (4 bytes, least significant first).
"""

import binascii

from shared.wire import cobs

VERSION = 1
METER = 1
KEYPAD = 2

POLL = 1
KEYS = 2
SHOW = 3
INFO = 4
PING = 5
TYPES = (POLL, KEYS, SHOW, INFO, PING)

LONGEST_PAYLOAD = 48
_HEADER = 5
_CRC = 4
LONGEST_STUFFED = _HEADER + LONGEST_PAYLOAD + _CRC + 1


class BadFrame(ValueError):
    """The bytes are no frame of ours."""


def encode(destination, source, sequence, frame_type, payload=b""):
    """Return a frame with its delimiter, ready for the line.

    Args:
        destination, source: METER or KEYPAD.
        sequence: 0..255; an answer repeats the sequence of the question.
        frame_type: one of TYPES.
        payload: at most LONGEST_PAYLOAD bytes.

    Raises:
        BadFrame: a type that is not known, or too long a payload.
    """
    if frame_type not in TYPES or len(payload) > LONGEST_PAYLOAD:
        raise BadFrame("type or length")
    body = bytes((VERSION, destination, source, sequence, frame_type)) + payload
    return cobs.encode(body + binascii.crc32(body).to_bytes(_CRC, "little")) + b"\0"


def decode(stuffed):
    """Read a frame.

    Args:
        stuffed: what stood between two delimiters.

    Returns:
        (destination, source, sequence, frame_type, payload)

    Raises:
        BadFrame: damaged, of another version or of an unknown type.
    """
    if len(stuffed) > LONGEST_STUFFED:
        raise BadFrame("too long")
    try:
        body = cobs.decode(stuffed)
    except cobs.BadCOBS:
        raise BadFrame("stuffing")  # noqa: B904
    end = len(body) - _CRC
    if end < _HEADER or binascii.crc32(body[:end]).to_bytes(_CRC, "little") != body[end:]:
        raise BadFrame("CRC")
    if body[0] != VERSION or body[4] not in TYPES:
        raise BadFrame("version or type")
    return body[1], body[2], body[3], body[4], body[_HEADER:end]


class FrameReader:
    """Cuts a byte stream into frames; what is no frame is counted and dropped.

    Attributes:
        damaged: frames dropped so far.
    """

    def __init__(self):
        self.damaged = 0
        self._pending = bytearray(LONGEST_STUFFED)
        self._view = memoryview(self._pending)
        self._length = 0

    def feed(self, data):
        """Take bytes from the line.

        Returns:
            list of tuples as `decode` returns them.
        """
        frames = []
        for byte in data:
            if byte:
                if self._length < LONGEST_STUFFED:
                    self._pending[self._length] = byte
                self._length += 1
                continue
            length, self._length = self._length, 0
            if not length:
                continue
            try:
                if length > LONGEST_STUFFED:
                    raise BadFrame("too long")
                frames.append(decode(self._view[:length]))
            except BadFrame:
                self.damaged += 1
        return frames
