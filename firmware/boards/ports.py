"""What every board hands to its program besides its own parts: clock, log, random, watchdog.

The simulated board's overlay brings two modules that a device lacks, `bench_line` and
`bench_clock`: its log goes to the bench, and its calendar can be lapsed.
"""

import os

import machine
from micropython import const

from firmware.boards.clock import Clock

try:
    import bench_line
    from bench_clock import BenchClock
except ImportError:
    bench_line = BenchClock = None

# Longest pass without a feed: a flash erase and a TLS handshake fit, a hung task does not.
_WATCHDOG_MS = const(20000)
_BOOT_BUTTON = const(0)


class Watchdog:
    """The hardware watchdog, armed by its first feeding; nothing can stop it afterwards."""

    def __init__(self):
        self._armed = None

    def feed(self):
        """Say that everything is alive."""
        if self._armed is None:
            self._armed = machine.WDT(timeout=_WATCHDOG_MS)
        self._armed.feed()


def make_clock():
    """Return the board's clock."""
    return (BenchClock or Clock)(machine.RTC())


def log(level, text):
    """Write a line for a technician: to the bench, or to the console on a device.

    Args:
        level: "debug", "info", "warning" or "error".
        text: one line, without secrets.
    """
    if bench_line is None:
        print(level, text)
    else:
        bench_line.log(level, text)


def random_bytes(count):
    """Return `count` bytes from the hardware random generator."""
    return os.urandom(count)


def maintenance_wanted():
    """Return whether the BOOT button is held: then the program leaves the console to a person."""
    return not machine.Pin(_BOOT_BUTTON, machine.Pin.IN, machine.Pin.PULL_UP).value()


def restart():
    """Restart the board."""
    machine.reset()
