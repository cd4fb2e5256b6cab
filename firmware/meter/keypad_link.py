"""The meter's end of the line to the keypad: asks, shows, and counts each key exactly once."""

import asyncio
import gc

from micropython import const

from shared.wire import frames, keypad_messages

_PERIOD_MS = const(75)  # with an answer in between, about 12 questions a second
_TIMEOUT_MS = const(60)  # counted from the last byte sent
_TRIES = const(3)
_WAIT_STEP_MS = const(8)
_LINK_DOWN_MS = const(2000)
_SHOW_AGAIN_MS = const(1000)
_BYTES_PER_MS = const(2)  # 19200 baud, ten bits a byte

_NO_BOOT_ID = bytes(keypad_messages.BOOT_ID_LENGTH)


class KeypadLink:
    """Master of the line.

    Attributes:
        is_up: whether a keypad answered within the last two seconds; taken for granted at start.
        is_foreign: whether the keypad belongs to another meter; its keys do not count.
        is_asking: whether an answer of the keypad is due.
    """

    def __init__(self, stream, meter, clock, drn="", on_change=None):
        """Take what the link connects.

        Args:
            stream: the line, with `any()`, `readinto(buffer)` and `write(octets)`.
            meter: has `face()` and `key_pressed(character)`.
            clock: has `ticks_ms()` and `ticks_diff(later, earlier)`.
            drn: the meter's number; a keypad that is paired with another one is ignored.
            on_change: called with this link when `is_up` or `is_foreign` changes.
        """
        self.is_up = True
        self.is_foreign = False
        self.is_asking = False
        self._stream = stream
        self._meter = meter
        self._clock = clock
        self._drn = drn
        self._on_change = on_change
        self._reader = frames.FrameReader()
        self._input = bytearray(64)
        self._input_view = memoryview(self._input)
        self._sequence = 0
        self._boot_id = _NO_BOOT_ID
        self._identified = False
        self._taken = 0  # sequence number of the last key that counted
        self._owes_poll = False
        self._asked_show = False
        self._heard_at = clock.ticks_ms()
        self._face = None  # rows, cursor, lamps and buzzer that _show says
        self._show = b""
        self._shown = b""
        self._shown_at = clock.ticks_ms()

    async def run(self):
        """Keep asking until the power goes."""
        while True:
            try:
                await self.turn()
            except MemoryError:
                gc.collect()  # the next turn asks again; keys not taken come again
            await asyncio.sleep_ms(_PERIOD_MS)

    async def turn(self):
        """Ask once, with retries, and act on the answer."""
        show = self._face_payload()
        outdated = show != self._shown or self._since(self._shown_at) > _SHOW_AGAIN_MS
        # Only a POLL tells the keypad which keys it may forget, so a busy face must not keep
        # it from being sent.
        if outdated and not (self._owes_poll and self._asked_show):
            self._asked_show = True
            answer = await self._ask(frames.SHOW, show)
            if answer is not None:
                self._shown = show
                self._shown_at = self._clock.ticks_ms()
        else:
            self._asked_show = False
            poll = keypad_messages.pack_poll(self._boot_id, self._taken)
            answer = await self._ask(frames.POLL, poll)
            if answer is not None:
                self._owes_poll = False
        if answer is not None:
            await self._take_keys(answer)
            self._set_up(True)
        elif self._since(self._heard_at) > _LINK_DOWN_MS:
            self._shown = b""
            self._set_up(False)

    def _face_payload(self):
        """Return the meter's face as a SHOW; packed again only if it changed."""
        face = self._meter.face()
        old = self._face
        if (
            old is None
            or face.rows[0] != old[0]
            or face.rows[1] != old[1]
            or face.cursor != old[2]
            or face.lamps != old[3]
            or face.buzzer != old[4]
        ):
            rows, (pattern, serial) = face.rows, face.buzzer
            self._face = (rows[0], rows[1], face.cursor, face.lamps, face.buzzer)
            self._show = keypad_messages.pack_show(rows, face.cursor, face.lamps, pattern, serial)
        return self._show

    def _since(self, ticks):
        return self._clock.ticks_diff(self._clock.ticks_ms(), ticks)

    def _set_up(self, up):
        if up:
            self._heard_at = self._clock.ticks_ms()
        if up != self.is_up:
            self.is_up = up
            self._tell_change()

    def _tell_change(self):
        if self._on_change is not None:
            self._on_change(self)

    async def _take_keys(self, payload):
        try:
            boot_id, first, keys = keypad_messages.unpack_keys(payload)
        except frames.BadFrame:
            return
        if boot_id != self._boot_id:
            # A keypad that started anew, or one we do not remember: what it brings along may
            # have counted before this meter restarted, so it counts as taken.
            self._boot_id = boot_id
            self._taken = (first + len(keys) - 1) & 0xFFFF
            self._identified = False
        if not self._identified:
            await self._identify()
            return  # the keys come again
        for index, key in enumerate(keys):
            number = (first + index) & 0xFFFF
            if 0 < ((number - self._taken) & 0xFFFF) < 0x8000:
                self._taken = number
                self._owes_poll = True
                if not self.is_foreign:
                    self._meter.key_pressed(chr(key))

    async def _identify(self):
        """Ask the keypad who it is; one that is paired with another meter is foreign."""
        info = await self._ask(frames.INFO, b"")
        if info is None:
            return
        try:
            _unit_id, paired_drn, _firmware, _tampered = keypad_messages.unpack_info(info)
        except frames.BadFrame:
            return
        self._identified = True
        foreign = bool(paired_drn and self._drn and paired_drn != self._drn)
        if foreign != self.is_foreign:
            self.is_foreign = foreign
            self._tell_change()

    async def _ask(self, frame_type, payload):
        """Return the payload of the answer, or None after three tries."""
        self.is_asking = True
        try:
            return await self._answer(frame_type, payload)
        finally:
            self.is_asking = False

    async def _answer(self, frame_type, payload):
        self._sequence = (self._sequence + 1) & 0xFF
        question = b"\0" + frames.encode(
            frames.KEYPAD, frames.METER, self._sequence, frame_type, payload
        )
        expected = frame_type if frame_type in (frames.INFO, frames.PING) else frames.KEYS
        for _ in range(_TRIES):
            self._stream.write(question)
            wait_ms = _TIMEOUT_MS + len(question) // _BYTES_PER_MS
            asked_at = self._clock.ticks_ms()
            while self._since(asked_at) < wait_ms:
                await asyncio.sleep_ms(_WAIT_STEP_MS)
                answer = self._received(expected)
                if answer is not None:
                    return answer
        return None

    def _received(self, expected):
        if not self._stream.any():
            return None
        count = self._stream.readinto(self._input)
        if not count:
            return None
        answer = None
        for frame in self._reader.feed(self._input_view[:count]):
            destination, source, sequence, frame_type, payload = frame
            ours = destination == frames.METER and source == frames.KEYPAD
            if ours and sequence == self._sequence and frame_type == expected:
                answer = payload
        return answer
