"""Shadows `time` so that the epoch is an ESP32's: whole seconds since 2000, 0 at power-on."""

import utime
from utime import (  # noqa: F401 - handed on to whoever imports time
    sleep,
    sleep_ms,
    sleep_us,
    ticks_add,
    ticks_diff,
    ticks_ms,
    ticks_us,
)

_EPOCH = 946684800  # 2000-01-01 in the seconds since 1970 that the host counts
_DAYS_TO_EPOCH = 730426
_started = int(utime.time())


def time():
    """Seconds since 2000 on the board's clock, which starts at 0 when power comes."""
    return int(utime.time()) - _started


def set_clock(seconds):
    """Set the clock to whole seconds since 2000 (what machine.RTC does on a device)."""
    global _started
    _started = int(utime.time()) - seconds


def gmtime(seconds=None):
    """Calendar fields, in UTC, of seconds since 2000; of now if None."""
    return utime.gmtime((time() if seconds is None else seconds) + _EPOCH)


localtime = gmtime


def mktime(fields):
    """Seconds since 2000 of calendar fields in UTC."""
    year, month, day, hour, minute, second = fields[:6]
    if month < 3:
        year -= 1
        month += 12
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5 + day
    return ((days - _DAYS_TO_EPOCH) * 24 + hour) * 3600 + minute * 60 + second
