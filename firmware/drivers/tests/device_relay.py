"""The latching relay's driver on simulated coils and contact. Runs inside MicroPython."""

import bench_line
from machine import Pin

from firmware.boards import esp32_meter
from firmware.drivers.latching_relay import LatchingRelay

_PINS = esp32_meter.PINS


class _Time:
    """Milliseconds that pass only when somebody sleeps, or when the test says so."""

    def __init__(self):
        self.now = 0
        self.slept = []

    def ticks_ms(self):
        return self.now

    def ticks_diff(self, later, earlier):
        return later - earlier

    def sleep_ms(self, milliseconds):
        self.slept.append(milliseconds)
        self.now += milliseconds


class _Coil:
    """A pin that notes when it was high, and moves a contact if that was long enough."""

    OUT = Pin.OUT

    def __init__(self, time, contact, closes):
        self.time = time
        self.contact = contact
        self.closes = closes
        self.level = None
        self.pulses = []
        self.high_since = 0

    def init(self, mode, value):
        self.value(value)

    def value(self, level):
        if level and not self.level:
            self.high_since = self.time.now
        if self.level and not level:
            self.pulses.append(self.time.now - self.high_since)
            self.contact.closed = self.closes
        self.level = level


class _Contact:
    closed = False

    def value(self):
        return 1 if self.closed else 0


def _relay():
    time, contact = _Time(), _Contact()
    close, opening = _Coil(time, contact, True), _Coil(time, contact, False)
    relay = LatchingRelay(close, opening, contact, time.ticks_ms, time.ticks_diff, time.sleep_ms)
    return relay, time, contact, close, opening


def test_nothing_is_pulsed_at_boot_nor_when_the_contact_already_stands_right():
    relay, _time, contact, close, opening = _relay()
    assert relay.set(False)
    contact.closed = True
    assert relay.set(True)
    assert close.pulses == []
    assert opening.pulses == []
    assert close.level == 0
    assert opening.level == 0


def test_one_pulse_moves_the_contact_after_a_pause_with_both_coils_off():
    relay, time, _contact, close, opening = _relay()
    assert relay.set(True)
    assert relay.is_closed()
    assert close.pulses == [60]
    assert opening.pulses == []
    assert time.slept == [10, 60]


def test_the_coil_rests_before_the_next_operation():
    relay, time, _contact, _close, opening = _relay()
    assert relay.set(True)
    assert not relay.set(False)
    assert opening.pulses == []
    time.now += 1999
    assert not relay.set(False)
    time.now += 1
    assert relay.set(False)
    assert opening.pulses == [60]
    assert not relay.is_closed()


def test_a_coil_is_never_left_energised():
    relay, _time, _contact, close, _opening = _relay()

    def interrupted(milliseconds):
        if milliseconds == 60:
            raise KeyboardInterrupt

    relay._sleep_ms = interrupted
    try:
        relay.set(True)
        raise AssertionError("not interrupted")
    except KeyboardInterrupt:
        pass
    assert close.level == 0


def test_on_the_simulated_board_a_welded_contact_is_noticed_and_the_state_is_kept():
    import time

    from machine import parts

    contact = parts.relay
    clock = _Time()

    def sleep_ms(milliseconds):
        time.sleep_ms(milliseconds)
        clock.sleep_ms(milliseconds)

    relay = LatchingRelay(
        Pin(_PINS["close_coil"], Pin.OUT, value=0),
        Pin(_PINS["open_coil"], Pin.OUT, value=0),
        Pin(_PINS["sense"], Pin.IN),
        clock.ticks_ms,
        clock.ticks_diff,
        sleep_ms,
    )
    assert relay.set(True)
    assert contact.closed
    with open("relay.txt") as kept:
        assert kept.read() == "closed"
    bench_line.handle({"relay_stuck": True})
    clock.now += 5000
    assert not relay.set(False)
    assert relay.is_closed()
    bench_line.handle({"relay_stuck": False})
    clock.now += 5000
    assert relay.set(False)
    assert not contact.closed


def test_pulses_are_subtracted_and_never_reset():
    from machine import Counter

    from firmware.drivers.pulse_counter import PulseCounter

    counter = Counter(0, src=Pin(_PINS["pulses"], Pin.IN))
    bench_line.handle({"pulses": 5})
    pulses = PulseCounter(counter)
    assert pulses.total() == 0
    bench_line.handle({"pulses": 3})
    assert pulses.total() == 3
    assert counter.value() == 8
    counter._source.count = 2  # the hardware unit was started anew, and counted two since
    assert pulses.total() == 5
    try:
        counter.value(0)
        raise AssertionError("the counter let itself be reset")
    except ValueError:
        pass
