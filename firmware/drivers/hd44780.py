"""HD44780 character display, 16 x 2, behind a PCF8574 I2C expander; sends only what changed.

Expander wiring (the usual backpack): P0 RS, P1 RW, P2 EN, P3 backlight, P4..P7 the data nibble.
A byte is two nibbles and a nibble is taken when EN falls, so a byte takes four bus bytes. At
100 kHz a bus byte lasts 90 us: longer than the EN pulse (0.45 us) and the 37 us that a character
or command needs, so nothing else waits (Hitachi HD44780U, table 6). Clear and home, which need
1.52 ms, are never sent.
"""

import asyncio

from micropython import const

ROWS = 2
COLUMNS = 16

_RS = const(0x01)
_EN = const(0x04)
_BACKLIGHT = const(0x08)

_ENTRY_INCREMENT = const(0x06)
_ON = const(0x0C)
_CURSOR = const(0x02)
_FOUR_BITS_TWO_ROWS = const(0x28)
_SET_ADDRESS = const(0x80)
_ROW_STRIDE = const(0x40)
_HIDDEN = const(255)

_UNKNOWN_ROW = bytes(COLUMNS)

# A write sets an address and sends up to a row: 17 bytes of 4 bus bytes each.
_LONGEST = const(68)


class CharacterDisplay:
    """Shows two rows of text; survives being unplugged.

    Attributes:
        present: False while the display does not answer.
    """

    def __init__(self, i2c, address=0x27):
        """Hand over the bus (machine.I2C) and the expander's address (PCF8574A: 0x38..0x3F)."""
        self.present = False
        self._i2c = i2c
        self._address = address
        self._buffer = bytearray(_LONGEST)
        self._view = memoryview(self._buffer)
        self._used = 0
        self._shown = [bytearray(COLUMNS), bytearray(COLUMNS)]  # what the display holds
        self._cursor = _HIDDEN

    async def show(self, rows, cursor=None):
        """Bring the display to this content; other tasks run between rows.

        A display that does not answer is tried again, from its initialisation on, at the next
        call: so a replugged one comes back, and an unchanged face costs no bus traffic.

        Args:
            rows: two texts of 16 characters; beyond ASCII shows as "?".
            cursor: where to blink, 0..31 over both rows, or None.
        """
        try:
            if not self.present:
                await self._initialise()
            for row in range(ROWS):
                if self._write_row(row, rows[row]):
                    await asyncio.sleep_ms(0)
            self._write_cursor(_HIDDEN if cursor is None else cursor)
        except OSError:
            self.present = False

    def forget(self):
        """Begin again at the next call: heals a controller that noise or a dip has upset."""
        self.present = False

    async def probe(self):
        """Notice a display that was unplugged: send it a harmless command."""
        if self.present:
            try:
                self._put(_ON | (0 if self._cursor == _HIDDEN else _CURSOR), 0)
                self._flush()
            except OSError:
                self.present = False

    async def _initialise(self):
        """Bring the controller to 4-bit mode from whatever state it is in (data sheet, fig. 24).

        Nothing is cleared: both rows are written in full afterwards, without a flicker.
        """
        await asyncio.sleep_ms(50)
        for nibble, wait_ms in ((0x30, 5), (0x30, 1), (0x30, 1), (0x20, 1)):
            self._put_nibble(nibble, 0)
            self._flush()
            await asyncio.sleep_ms(wait_ms)
        for command in (_FOUR_BITS_TWO_ROWS, _ENTRY_INCREMENT, _ON):
            self._put(command, 0)
        self._flush()
        for row in self._shown:
            row[:] = _UNKNOWN_ROW
        self._cursor = _HIDDEN
        self.present = True

    def _write_row(self, row, text):
        """Send the stretch from the first to the last character that changed."""
        shown = self._shown[row]
        first = COLUMNS
        last = -1
        for column in range(COLUMNS):
            if shown[column] != _code(text, column):
                first = min(first, column)
                last = column
        if last < 0:
            return False
        self._put(_SET_ADDRESS | row * _ROW_STRIDE | first, 0)
        for column in range(first, last + 1):
            self._put(_code(text, column), _RS)
        self._flush()
        for column in range(first, last + 1):
            shown[column] = _code(text, column)
        if self._cursor != _HIDDEN:
            self._cursor = COLUMNS * ROWS  # the address moved: place the cursor again
        return True

    def _write_cursor(self, cursor):
        if cursor == self._cursor:
            return
        if cursor == _HIDDEN:
            self._put(_ON, 0)
        else:
            self._put(_SET_ADDRESS | cursor // COLUMNS * _ROW_STRIDE | cursor % COLUMNS, 0)
            self._put(_ON | _CURSOR, 0)
        self._flush()
        self._cursor = cursor

    def _put(self, octet, register):
        self._put_nibble(octet & 0xF0, register)
        self._put_nibble(octet << 4 & 0xF0, register)

    def _put_nibble(self, nibble, register):
        lines = nibble | register | _BACKLIGHT
        self._buffer[self._used] = lines | _EN
        self._buffer[self._used + 1] = lines
        self._used += 2

    def _flush(self):
        used, self._used = self._used, 0
        self._i2c.writeto(self._address, self._view[:used])


def _code(text, column):
    """Character code at a column; blank beyond the text's end."""
    code = ord(text[column]) if column < len(text) else 32
    return code if 32 <= code < 127 else 63
