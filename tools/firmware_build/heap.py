"""Measures how much of the heap the simulated board itself takes, which a device does not spend.

So a run with the heap of a device is a run with that much more.
"""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

from tools import firmware_build, interpreters

# What a device has too is there first, so that it is not counted: of asyncio, a meter's
# connection to its broker uses what the bench's line uses. Pins and other objects of `machine`
# cost a device nothing, because they live in its interpreter's own memory.
_PROBE = """
import asyncio, gc, json, os, select, socket, sys, termios
asyncio.StreamReader, asyncio.Event, asyncio.Lock, asyncio.wait_for_ms, asyncio.gather
class Clock:
    def __init__(self, rtc):
        self.utc = self.restore = self.ticks_ms = self.ticks_diff = None
class program:
    pass
program.Clock = Clock
sys.modules["program"] = program
gc.collect()
before = gc.mem_alloc()
import bench_line, bench_clock, machine, esp32, network, time
wired = machine.parts
numbers = set(wired.drives) | set(wired.reads) | set(wired.pulses) | {0}
if wired.keys:
    numbers |= set(wired.keys.rows) | {wired.buzzer_pin, 21, 22}
used = [machine.Pin(number) for number in numbers]
if wired.keys:
    used += [machine.I2C(0), machine.PWM(used[0], duty_u16=0)]
if wired.pulses:
    counted = machine.Pin(list(wired.pulses)[0])
    used += [machine.Counter(0, src=counted), machine.WDT(), network.WLAN(0)]
    used += [esp32.Partition.find(label=name)[0] for name in ("state", "profile")]
clock = bench_clock.BenchClock(machine.RTC())
async def moment():  # then the task that listens to the bench has its frames
    await asyncio.sleep_ms(20)
asyncio.run(moment())
gc.collect()
print(gc.mem_alloc() - before)
"""


def of_overlay(board: str, interpreter: str = "micropython32") -> int:
    """Return how many bytes of heap the simulated hardware of a board takes.

    Args:
        board: a key of firmware_build.BOARDS.
        interpreter: a key of tools.interpreters.INTERPRETERS.
    """
    folder = firmware_build.build(board)
    start = firmware_build.start_line(folder).replace("import main", "")
    with (
        tempfile.TemporaryDirectory() as work,
        socket.create_server(("127.0.0.1", 0)) as bench,
    ):
        done = interpreters.run(
            interpreter,
            ["-c", start + _PROBE],
            folder=Path(work),
            environment={"BENCH_BOARD": board, "BENCH_PORT": str(bench.getsockname()[1])},
        )
    if done.returncode:
        raise firmware_build.BuildFailed(done.stdout + done.stderr)
    return int(done.stdout)


def as_on_a_device(board: str, kilobytes: int, interpreter: str = "micropython32") -> str:
    """Return the heap to give a simulated board so that its firmware has as much as on a device.

    Args:
        board: a key of firmware_build.BOARDS.
        kilobytes: of 1024 bytes, what the firmware may use.
        interpreter: a key of tools.interpreters.INTERPRETERS.
    """
    return str(kilobytes * 1024 + of_overlay(board, interpreter))
