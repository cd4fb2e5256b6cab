"""A stand-in for the meter's rules, for tests of boards, drivers and keypad link: it echoes keys.

Digits appear on the first row, '*' takes one back, '#' moves the load switch and writes the line
to flash; the second row shows how many pulses were counted.
"""

import asyncio
from collections import namedtuple

from firmware.meter.keypad_link import KeypadLink
from shared.wire import keypad_messages

Face = namedtuple("Face", ("rows", "cursor", "lamps", "buzzer"))


class StandInMeter:
    """Keeps an entry line and shows it."""

    def __init__(self, board):
        self._board = board
        self._entry = ""
        self._serial = 0
        self._closed = board.relay.is_closed()

    def key_pressed(self, key):
        """Edit the line, or act on '#'."""
        if key == "*":
            self._entry = self._entry[:-1]
        elif key == "#":
            self._board.state_partition.writeblocks(0, self._entry.encode(), 0)
            self._closed = not self._closed
            self._entry = ""
            self._serial += 1
        else:
            self._entry += key

    def face(self):
        """Show the end of the line, and the pulses."""
        rows = (self._entry[-16:], "%d Wh" % self._board.pulses.total())
        lamp = keypad_messages.LAMP_GREEN if self._closed else keypad_messages.LAMP_RED
        return Face(rows, len(self._entry[-15:]), lamp, (1, self._serial))

    async def switch(self):
        """Bring the load switch where it should be."""
        while True:
            self._board.relay.set(self._closed)
            self._board.watchdog.feed()
            await asyncio.sleep_ms(100)


async def run(board):
    """Run the stand-in on a meter board."""
    meter = StandInMeter(board)
    link = KeypadLink(board.keypad_stream, meter, board.clock)
    await asyncio.gather(meter.switch(), link.run())
