"""The clock port: integer UTC seconds since 1970, whatever epoch the platform's clock has.

An ESP32 counts from 2000 and forgets the time with its power; `set` comes from the head-end and
`restore` from the journal, as a lower bound.
"""

import time

from micropython import const

_SECONDS_1970_TO_2000 = const(946684800)
# Before this the clock was never set: it started at its epoch when the power came.
_EARLIEST_UTC = 1735689600  # 2025-01-01


class Clock:
    """Time of day of a device.

    Attributes:
        quality: "unset", "restored" (not before this), "set", or "simulated".
    """

    def __init__(self, rtc):
        """Hand over the machine.RTC; a clock that ran through a soft reset counts as set."""
        self._rtc = rtc
        self._epoch = 0 if time.gmtime(0)[0] == 1970 else _SECONDS_1970_TO_2000
        self.quality = "unset"
        if self._read() >= _EARLIEST_UTC:
            self.quality = "set"

    def utc(self):
        """Return whole seconds since 1970, or None if the clock was never set."""
        if self.quality == "unset":
            return None
        return self._read()

    def calendar(self):
        """Return the time that readings and charges go by: `utc` on a device."""
        return self.utc()

    def ticks_ms(self):
        """Return the millisecond counter of `time.ticks_ms`, which wraps."""
        return time.ticks_ms()

    def ticks_diff(self, later, earlier):
        """Return milliseconds between two ticks."""
        return time.ticks_diff(later, earlier)

    def set(self, utc):
        """Set the clock to trusted UTC seconds since 1970."""
        self._write(utc)
        self.quality = "set"

    def restore(self, utc):
        """Set a clock that knows no better to the last time that was recorded."""
        if self.quality == "unset" and utc >= _EARLIEST_UTC:
            self._write(utc)
            self.quality = "restored"

    def _read(self):
        return int(time.time()) + self._epoch

    def _write(self, utc):
        now = time.gmtime(utc - self._epoch)
        self._rtc.datetime((now[0], now[1], now[2], now[6], now[3], now[4], now[5], 0))
