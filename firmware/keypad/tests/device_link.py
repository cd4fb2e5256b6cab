"""Keys to frames to the meter over a line that fails. Runs inside MicroPython, simulated board.

The keypad unit and the meter's end of the link are the real ones; only the copper is ours.
"""

import asyncio
import time

from machine import unique_id

from firmware.boards import esp32_keypad, loop_back
from firmware.boards.customer_side import KeypadBoard
from firmware.keypad.unit import KeypadUnit
from firmware.meter.keypad_link import KeypadLink
from shared.wire import frames, keypad_messages

KEYS = "12345*67890#314159265358979323846264"


class _Cable:
    """One direction of a line; `spoil` may drop, cut short or repeat each transmission."""

    def __init__(self, end, spoil):
        self._end = end
        self._spoil = spoil
        self.sent = 0

    def any(self):
        return self._end.any()

    def readinto(self, buffer):
        return self._end.readinto(buffer)

    def write(self, octets):
        self.sent += 1
        for piece in self._spoil(self.sent, octets):
            self._end.write(piece)
        return len(octets)


def _sound(number, octets):
    return (octets,)


def _noisy(number, octets):
    """Lose every third, cut every fourth, flip a bit in every fifth, double every seventh."""
    if number % 3 == 0:
        return ()
    if number % 4 == 0:
        return (octets[: number % len(octets)],)
    if number % 5 == 0:
        spoilt = bytearray(octets)
        spoilt[number % len(spoilt)] ^= 1 << number % 8
        return (bytes(spoilt),)
    return (octets, octets) if number % 7 == 0 else (octets,)


class _Face:
    def __init__(self):
        self.rows = ("ready", "")
        self.cursor = None
        self.lamps = keypad_messages.LAMP_GREEN
        self.buzzer = (0, 0)


class _Meter:
    """Notes the keys that counted."""

    def __init__(self):
        self.keys = ""
        self.shown = _Face()

    def key_pressed(self, key):
        self.keys += key

    def face(self):
        return self.shown


class _Clock:
    ticks_ms = staticmethod(time.ticks_ms)
    ticks_diff = staticmethod(time.ticks_diff)


class _Pair:
    """A meter and a keypad with a line between them, each of which can be started anew."""

    def __init__(self, spoil=_sound, paired_drn=""):
        one, other = loop_back.make_loop_back()
        self.meter_end = _Cable(one, spoil)
        self.keypad_end = _Cable(other, spoil)
        self.board = KeypadBoard(esp32_keypad.PINS, self.keypad_end, unique_id())
        self.paired_drn = paired_drn
        self.changes = []
        self.meters = []
        self.tasks = {}

    def start_meter(self):
        self.meters.append(_Meter())
        self.link = KeypadLink(
            self.meter_end, self.meters[-1], _Clock, "04123456789", self._note_change
        )
        self._start("meter", self.link.run())

    def _note_change(self, link):
        self.changes.append(link.is_up)

    def start_keypad(self):
        self.unit = KeypadUnit(self.board, self.paired_drn)
        self._start("keypad", self.unit.run())

    def _start(self, name, coroutine):
        if name in self.tasks:
            self.tasks[name].cancel()
        self.tasks[name] = asyncio.create_task(coroutine)

    def counted(self):
        return "".join([meter.keys for meter in self.meters])

    async def until(self, condition, timeout_ms=8000):
        started = time.ticks_ms()
        while not condition():
            if time.ticks_diff(time.ticks_ms(), started) > timeout_ms:
                raise AssertionError("waited in vain; counted " + self.counted())
            await asyncio.sleep_ms(5)

    async def type(self, keys):
        """Press keys as the debouncer reports them, when there is room for them."""
        for key in keys:
            await self.until(lambda: len(self.unit._queue.waiting()[1]) < 16)
            self.unit._press(key)
            await asyncio.sleep_ms(15)


def _run(pair, story):
    async def main():
        pair.start_meter()
        pair.start_keypad()
        await pair.until(lambda: _knows(pair))
        await story(pair)
        for task in pair.tasks.values():
            task.cancel()

    asyncio.run(main())


def test_every_key_counts_once_on_a_sound_line():
    async def story(pair):
        await pair.type(KEYS)
        await pair.until(lambda: len(pair.counted()) >= len(KEYS))
        await asyncio.sleep_ms(200)
        assert pair.counted() == KEYS

    _run(_Pair(), story)


def test_every_key_counts_once_on_a_line_that_loses_cuts_flips_and_doubles():
    async def story(pair):
        await pair.type(KEYS)
        await pair.until(lambda: len(pair.counted()) >= len(KEYS))
        await asyncio.sleep_ms(200)
        assert pair.counted() == KEYS

    _run(_Pair(_noisy), story)


def test_a_face_that_never_rests_does_not_keep_the_keypad_from_forgetting_keys():
    async def story(pair):
        face = pair.meters[-1].shown

        def restless():
            face.rows = (str(time.ticks_ms()), "")
            return face

        pair.meters[-1].face = restless
        await pair.type(KEYS)
        await pair.until(lambda: not pair.unit._queue.waiting()[1])
        assert pair.counted() == KEYS

    _run(_Pair(), story)


def test_a_key_that_counted_just_before_the_meter_restarted_does_not_count_again():
    async def story(pair):
        for number, key in enumerate("112"):
            await pair.until(lambda: _knows(pair))
            await pair.type(key)
            await pair.until(lambda count=number + 1: len(pair.counted()) >= count)
            assert pair.unit._queue.waiting()[1]  # the keypad does not know yet that it counted
            pair.start_meter()
        await pair.until(lambda: not pair.unit._queue.waiting()[1])
        assert pair.counted() == "112"

    _run(_Pair(), story)


def test_a_meter_that_restarts_at_any_moment_repeats_no_key():
    async def story(pair):
        typing = asyncio.create_task(pair.type(KEYS))
        for _ in range(5):
            await asyncio.sleep_ms(110)
            pair.start_meter()
        await typing
        await asyncio.sleep_ms(300)
        assert _is_subsequence(pair.counted(), KEYS), pair.counted()
        assert pair.counted()

    _run(_Pair(_noisy), story)


def test_a_keypad_that_restarts_just_after_a_key_counted_repeats_none():
    async def story(pair):
        for number, key in enumerate("112"):
            await pair.type(key)
            await pair.until(lambda count=number + 1: len(pair.counted()) >= count)
            pair.start_keypad()
            await pair.until(lambda: _knows(pair))
        assert pair.counted() == "112"

    _run(_Pair(), story)


def test_an_unplugged_line_is_noticed_by_both_ends_and_takes_no_more_keys():
    plugged = [True]

    async def story(pair):
        assert pair.board.display is not None
        await pair.type("12")
        await pair.until(lambda: pair.counted() == "12")
        plugged[0] = False
        pair.unit._press("3")
        await pair.until(lambda: not pair.link.is_up and pair.unit._lost)
        assert pair.unit._rows[0] == "No connection"
        pair.unit._press("4")  # no click: it does not count
        plugged[0] = True
        await pair.until(lambda: pair.link.is_up and pair.unit._linked)
        await pair.until(lambda: pair.unit._rows[0].startswith("ready"))
        await pair.type("5")
        await pair.until(lambda: len(pair.counted()) == 4)
        assert pair.counted() == "1235"
        assert pair.changes == [False, True]

    _run(_Pair(lambda number, octets: (octets,) if plugged[0] else ()), story)


def test_a_short_loss_of_contact_drops_no_key():
    plugged = [True]

    async def story(pair):
        await pair.type("12")
        plugged[0] = False
        pair.unit._press("3")
        pair.unit._press("4")
        await asyncio.sleep_ms(700)
        plugged[0] = True
        await pair.until(lambda: len(pair.counted()) >= 4)
        assert pair.counted() == "1234"

    _run(_Pair(lambda number, octets: (octets,) if plugged[0] else ()), story)


def test_what_the_meter_shows_arrives_and_a_sound_is_played_once():
    async def story(pair):
        played = []
        pair.board.buzzer.play = played.append
        face = pair.meters[-1].shown
        face.rows = ("Accepted", "+50.0 kWh")
        face.lamps = keypad_messages.LAMP_AMBER
        face.buzzer = (keypad_messages.BEEP_ACCEPTED, 1)
        await pair.until(lambda: pair.unit._rows[0].startswith("Accepted"))
        assert pair.unit._rows[1] == "+50.0 kWh       "
        await asyncio.sleep_ms(1300)  # long enough for the face to be sent again
        assert len(played) == 1
        pair.start_keypad()  # a new keypad learns the number in silence
        await pair.until(lambda: pair.unit._rows[0].startswith("Accepted"))
        assert len(played) == 1

    _run(_Pair(), story)


def test_the_keypad_of_another_meter_is_shown_but_not_obeyed():
    async def story(pair):
        await pair.until(lambda: pair.link.is_foreign)
        await pair.type("123")
        await asyncio.sleep_ms(300)
        assert pair.counted() == ""
        assert pair.unit._rows[0].startswith("ready")

    _run(_Pair(paired_drn="04999999999"), story)


def test_frames_for_others_and_nonsense_get_no_answer():
    _one, other = loop_back.make_loop_back()
    sent = []
    other.write = sent.append
    unit = KeypadUnit(KeypadBoard(esp32_keypad.PINS, other, unique_id()))
    poll = keypad_messages.pack_poll(bytes(4), 0)
    for frame in (
        frames.encode(frames.METER, frames.KEYPAD, 1, frames.POLL, poll),  # our own echo
        frames.encode(frames.KEYPAD, frames.METER, 1, frames.KEYS, poll),
        frames.encode(frames.KEYPAD, frames.METER, 1, frames.POLL, b"short"),
        b"\x05nonsense\0",
    ):
        _one.write(frame)
        unit._read()
    assert sent == []
    _one.write(frames.encode(frames.KEYPAD, frames.METER, 9, frames.PING))
    unit._read()
    assert len(sent) == 1
    assert frames.decode(sent[0][1:-1])[:4] == (frames.METER, frames.KEYPAD, 9, frames.PING)


def _knows(pair):
    """Whether the meter has made the acquaintance of this power-up of the keypad."""
    return pair.link._boot_id == pair.unit._queue.boot_id and pair.link._identified


def _is_subsequence(counted, typed):
    place = 0
    for key in counted:
        place = typed.find(key, place) + 1
        if not place:
            return False
    return True
