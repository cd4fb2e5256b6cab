"""A 4 x 3 key matrix: scanning without ghosts, and debouncing that needs a release.

Rows are driven low one at a time and float otherwise, so that two pressed keys never short two
outputs; columns have pull-ups. Without diodes three keys at corners of a rectangle seem to press
the fourth, so patterns of several keys never count.
"""

from micropython import const

KEYS = "123456789*0#"

# A contact bounces for up to about 10 ms; a scan every 8 ms that agrees three times spans 16 ms.
_EQUAL_SCANS = const(3)


class KeyMatrix:
    """Reads which keys are down, as bits: bit n is KEYS[n]."""

    def __init__(self, rows, columns):
        """Hand over four row pins and three column pins (machine.Pin)."""
        self._rows = rows
        self._columns = columns
        for row in rows:
            row.init(row.IN)

    def scan(self):
        """Return the keys that are down now, as bits; contacts may still bounce."""
        down = 0
        bit = 1
        for row in self._rows:
            row.init(row.OUT, value=0)
            for column in self._columns:
                if not column.value():
                    down |= bit
                bit <<= 1
            row.init(row.IN)
        return down


class Debouncer:
    """Turns scans into key presses: each press once, no repeat while held."""

    def __init__(self):
        self._seen = 0
        self._agreed = 0
        self._held = 0  # the key that counted and is still down
        self._blocked = False  # several keys went down at once: wait until all are up

    def feed(self, down):
        """Take one scan.

        Args:
            down: bits as `KeyMatrix.scan` returns them.

        Returns:
            The key that was pressed, a character of KEYS, or None.
        """
        if down != self._seen:
            self._seen = down
            self._agreed = 1
            return None
        if self._agreed >= _EQUAL_SCANS:
            return None
        self._agreed += 1
        if self._agreed < _EQUAL_SCANS:
            return None
        return self._settled(down)

    def _settled(self, down):
        if not down:
            self._held = 0
            self._blocked = False
            return None
        if down & (down - 1):  # more than one key
            if not down & self._held:
                self._blocked = True
            return None
        if self._blocked or down == self._held:
            return None
        self._held = down
        return KEYS[_position(down)]


def _position(bit):
    position = 0
    while bit > 1:
        bit >>= 1
        position += 1
    return position
