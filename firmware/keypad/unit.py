"""The keypad unit's program: reads keys, answers the meter, shows what the meter says.

It is thin: no secrets, no credit, no editing. It never speaks first. While the meter is silent it
says so and takes no keys; those that clicked before are kept for a while, until the meter is back.
"""

import asyncio
import time

from micropython import const

from firmware.keypad import sounds
from firmware.keypad.key_queue import KeyQueue
from shared.wire import frames, keypad_messages

VERSION = "0.1.0"

_SCAN_MS = const(8)
_LINK_DOWN_MS = const(2000)
_KEYS_STALE_MS = const(10000)
_DISPLAY_REFRESH_MS = const(30000)
_DISPLAY_PROBE_MS = const(1000)
_NO_LINK_ROWS = ("No connection", "to the meter")


class KeypadUnit:
    """One keypad: `await run()` for ever."""

    def __init__(self, board, paired_drn=""):
        """Take the hardware.

        Args:
            board: see firmware.boards.customer_side.KeypadBoard.
            paired_drn: number of the meter that this keypad belongs to; "" if to any.
        """
        self._board = board
        self._paired_drn = paired_drn
        self._queue = KeyQueue(board.random(keypad_messages.BOOT_ID_LENGTH))
        self._reader = frames.FrameReader()
        self._input = bytearray(64)
        self._input_view = memoryview(self._input)
        self._heard_at = time.ticks_ms()
        self._linked = False
        self._lost = False  # silence has been shown
        self._rows = ("", "")
        self._cursor = None
        self._sound_serial = None
        self._changed = asyncio.Event()
        self._changed.set()

    async def run(self):
        """Scan, answer and show until the power goes."""
        await asyncio.gather(self._scan_and_answer(), self._show())

    async def _scan_and_answer(self):
        board = self._board
        while True:
            key = board.debouncer.feed(board.matrix.scan())
            if key is not None:
                self._press(key)
            if board.stream.any():
                self._read()
            elif self._silence_ms() > _LINK_DOWN_MS:
                self._lose_link()
            board.buzzer.update()
            await asyncio.sleep_ms(_SCAN_MS)

    def _press(self, key):
        if self._linked and self._queue.press(key):
            self._board.buzzer.play(sounds.CLICK)

    def _silence_ms(self):
        return time.ticks_diff(time.ticks_ms(), self._heard_at)

    def _lose_link(self):
        if self._silence_ms() > _KEYS_STALE_MS:
            self._queue.clear()
        if self._lost:
            return
        self._linked = False
        self._lost = True
        self._board.lamps.set(0)
        self._rows, self._cursor = _NO_LINK_ROWS, None
        self._changed.set()

    def _read(self):
        count = self._board.stream.readinto(self._input)
        if not count:
            return
        for frame in self._reader.feed(self._input_view[:count]):
            destination, source, sequence, frame_type, payload = frame
            if destination == frames.KEYPAD and source == frames.METER:
                try:
                    self._answer(sequence, frame_type, payload)
                except frames.BadFrame:
                    self._board.log("warning", "keypad: a frame from the meter makes no sense")

    def _answer(self, sequence, frame_type, payload):
        answer_type = frames.KEYS
        if frame_type == frames.POLL:
            self._queue.taken(*keypad_messages.unpack_poll(payload))
        elif frame_type == frames.SHOW:
            self._take_face(*keypad_messages.unpack_show(payload))
        elif frame_type in (frames.INFO, frames.PING):
            answer_type = frame_type
        else:
            return
        self._heard_at = time.ticks_ms()
        self._linked = True
        self._lost = False
        answer = frames.encode(
            frames.METER, frames.KEYPAD, sequence, answer_type, self._payload(answer_type)
        )
        # The leading delimiter ends whatever a torn line left in the other end's buffer.
        self._board.stream.write(b"\0" + answer)

    def _payload(self, answer_type):
        if answer_type == frames.KEYS:
            return keypad_messages.pack_keys(self._queue.boot_id, *self._queue.waiting())
        if answer_type == frames.INFO:
            unit_id = self._board.unit_id
            return keypad_messages.pack_info(unit_id, self._paired_drn, VERSION, False)
        return b""

    def _take_face(self, rows, cursor, lamps, pattern, serial):
        self._board.lamps.set(lamps)
        if rows != self._rows or cursor != self._cursor:
            self._rows, self._cursor = rows, cursor
            self._changed.set()
        # The first face after power-up brings an old serial number: nothing to play.
        if serial != self._sound_serial:
            if self._sound_serial is not None:
                self._board.buzzer.play(sounds.PATTERNS.get(pattern, b""))
            self._sound_serial = serial

    async def _show(self):
        display = self._board.display
        refreshed_at = time.ticks_ms()
        while True:
            self._changed.clear()
            await display.show(self._rows, self._cursor)
            await self._change_or_probe()
            if time.ticks_diff(time.ticks_ms(), refreshed_at) > _DISPLAY_REFRESH_MS:
                refreshed_at = time.ticks_ms()
                display.forget()

    async def _change_or_probe(self):
        try:
            await asyncio.wait_for_ms(self._changed.wait(), _DISPLAY_PROBE_MS)
        except asyncio.TimeoutError:
            await self._board.display.probe()
