"""Shadows `machine`: what OpenPrepay uses of an ESP32's, wired to the parts of `bench_parts`."""

import os
import select
import termios
import time

import bench_line
import bench_parts

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

parts = bench_parts.connect(bench_line.BOARD)
_RESET_FILE = "reset_cause.txt"


class Pin:
    """A GPIO: an output drives a part, an input reads one, a free input follows its pull."""

    IN = 1
    OUT = 3
    PULL_DOWN = 1
    PULL_UP = 2

    def __init__(self, number, mode=-1, pull=None, value=None):
        self.number = number
        self._pull = None
        self._output = False
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=None, value=None):
        """Set direction, pull and level; the level first, so that an output starts with it."""
        if mode == Pin.IN:
            self._output = False
            self._pull = pull
            parts.levels.pop(self.number, None)
        elif mode == Pin.OUT:
            if self.number >= 34:
                raise ValueError("pin can only be input")
            self._output = True
            self._drive(value or 0)
            return
        if value is not None:
            self.value(value)

    def _drive(self, level):
        parts.levels[self.number] = level
        part = parts.drives.get(self.number)
        if part:
            part(self.number, level)

    def value(self, level=None):
        """Read the level, or set it."""
        if level is not None:
            if self._output:
                self._drive(1 if level else 0)
            return None
        if self._output:
            return parts.levels[self.number]
        part = parts.reads.get(self.number)
        if part:
            return part(self.number)
        return 1 if self._pull == Pin.PULL_UP else 0

    __call__ = value

    def on(self):
        """Set the level to 1."""
        self.value(1)

    def off(self):
        """Set the level to 0."""
        self.value(0)


class Counter:
    """Counts edges of a pin in hardware, as machine.Counter does from MicroPython 1.26 on."""

    RISING = 1
    FALLING = 2

    def __init__(self, unit, src=None, edge=1, filter_ns=0):
        self._source = parts.pulses[src.number]

    def value(self, new=None):
        """Read the count; setting it is refused, because on a device that loses pulses."""
        if new is not None:
            raise ValueError("setting a counter loses pulses: subtract instead")
        return self._source.count

    def deinit(self):
        """Stop counting."""


class I2C:
    """An I2C bus with the board's parts on it."""

    def __init__(self, bus=-1, scl=None, sda=None, freq=400000):
        pass

    def writeto(self, address, octets):
        """Write to a part; OSError 19 (no such device) if none answers."""
        part = parts.i2c.get(address)
        if part is None or not part.present:
            raise OSError(19)
        part.write(octets)
        return len(octets)

    def scan(self):
        """Addresses that answer."""
        return [address for address in parts.i2c if parts.i2c[address].present]


SoftI2C = I2C


class PWM:
    """Pulse-width output; on the buzzer's pin it is heard by the bench."""

    def __init__(self, pin, freq=1000, duty_u16=32768):
        self._pin = pin.number
        self._freq = freq
        self._duty = 0
        self._heard = 0
        self.duty_u16(duty_u16)

    def _tell(self):
        heard = self._freq if self._duty else 0
        if heard != self._heard and self._pin == parts.buzzer_pin:
            bench_line.emit({"buzzer": heard})
        self._heard = heard

    def freq(self, hertz=None):
        """Set the frequency."""
        if hertz is None:
            return self._freq
        self._freq = hertz
        return self._tell()

    def duty_u16(self, duty=None):
        """Set the duty, 0 is silence."""
        if duty is None:
            return self._duty
        self._duty = duty
        return self._tell()

    def deinit(self):
        """Stop."""
        self.duty_u16(0)


class UART:
    """A serial port: the pty that UART_PATH names. Bytes with nobody behind the pty are lost."""

    def __init__(self, unit, baudrate=9600, **options):
        self._file = open(os.getenv("UART_PATH"), "r+b", 0)  # noqa: SIM115
        termios.setraw(self._file.fileno())
        attributes = termios.tcgetattr(self._file.fileno())
        attributes[6][6] = 0  # VMIN: a read returns what is there, without waiting
        termios.tcsetattr(self._file.fileno(), termios.TCSANOW, attributes)
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)
        self._baudrate = baudrate

    def any(self):
        """1 if there is something to read, else 0."""
        for _file, events in self._poll.ipoll(0):
            if events & select.POLLIN:
                return 1
        return 0

    def readinto(self, buffer):
        """Read what is there into a buffer; None if there is nothing."""
        try:
            return self._file.readinto(buffer) if self.any() else None
        except OSError:
            return None

    def write(self, octets):
        """Send; the number of bytes that went out, None if the line is dead."""
        try:
            return self._file.write(octets)
        except OSError:
            return None


class RTC:
    """The real-time clock; `memory` is lost with this process, as by a power cut."""

    _memory = b""

    def datetime(self, fields=None):
        """Read or set (year, month, day, weekday, hour, minute, second, subsecond)."""
        if fields is None:
            now = time.gmtime()
            return (now[0], now[1], now[2], now[6], now[3], now[4], now[5], 0)
        year, month, day, _weekday, hour, minute, second = fields[:7]
        time.set_clock(time.mktime((year, month, day, hour, minute, second)))
        return None

    def memory(self, octets=None):
        """Read or set up to 2048 bytes."""
        if octets is None:
            return RTC._memory
        RTC._memory = bytes(octets)
        return None


class WDT:
    """The watchdog: resets the board if it is not fed in time; can't be stopped."""

    def __init__(self, unit=0, timeout=5000):
        self._timeout = timeout
        self._fed = time.ticks_ms()
        bench_line.asyncio.create_task(self._watch())

    def feed(self):
        """Start the time-out again."""
        self._fed = time.ticks_ms()

    async def _watch(self):
        while True:
            await bench_line.asyncio.sleep_ms(500)
            if time.ticks_diff(time.ticks_ms(), self._fed) > self._timeout:
                bench_line.log("error", "watchdog: not fed, resetting")
                _reset(WDT_RESET)


def _reset(cause):
    with open(_RESET_FILE, "w") as kept:
        kept.write(str(cause))
    bench_line.emit({"reset": cause})
    bench_line.cut_power()


def reset():
    """Restart the board: this process ends and the bench, told so, starts it again."""
    _reset(HARD_RESET)


def reset_cause():
    """Why the board started: power-on unless it ended by a reset."""
    return _reset_cause


def _take_reset_cause():
    try:
        with open(_RESET_FILE) as kept:
            cause = int(kept.read())
        os.remove(_RESET_FILE)
    except (OSError, ValueError):
        return PWRON_RESET
    return cause


_reset_cause = _take_reset_cause()


def unique_id():
    """Six bytes that name this chip."""
    return b"\x02SIM\x00\x01"


def freq(hertz=None):
    """Clock frequency in Hz; setting it changes nothing here."""
    return 240000000
