"""A meter on memory flash, linked to a broker: a program for CPython and MicroPython.

Usage: link_program.py PORT KEEPALIVE_SECONDS
"""

import asyncio
import sys
import time

from firmware.meter.headend_link import HeadendLink, client_factory
from firmware.meter.tests import kit

PREFIX = "p"


class Clock(kit.Clock):
    """A clock whose milliseconds are real."""

    def ticks_ms(self):
        """Return milliseconds, going round at 2^30 as MicroPython's do."""
        if hasattr(time, "ticks_ms"):
            return time.ticks_ms()
        return int(time.monotonic() * 1000) & 0x3FFFFFFF


async def main(port, keepalive_s):
    """Run the link for ever."""
    bench = kit.Bench()
    bench.clock = bench.meter.clock = Clock()
    settings = {"host": "127.0.0.1", "port": port, "keepalive_s": keepalive_s}
    link = HeadendLink(
        bench.meter,
        kit.DRN,
        kit.IDENTITY["link_root"],
        kit.IDENTITY["link_generation"],
        client_factory(settings, kit.DRN, lambda n: n // 2, print),
        PREFIX,
        bench.clock,
        print,
    )
    await link.run()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
