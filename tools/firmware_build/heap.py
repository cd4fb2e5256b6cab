"""Measures how much of the heap the simulated board itself takes, which a device does not spend.

So a run with the heap of a device is a run with that much more.
"""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

from tools import firmware_build, interpreters

# What a device has too is imported first, so that it is not counted: of asyncio, a meter's
# connection to its broker uses what the bench's line uses.
_PROBE = """
import asyncio, gc, json, os, select, socket, sys, termios
asyncio.StreamReader, asyncio.Event, asyncio.Lock, asyncio.wait_for_ms, asyncio.gather
gc.collect()
before = gc.mem_alloc()
import bench_line, machine, esp32, network, time
parts = [esp32.Partition.find(label=name)[0] for name in ("state", "profile")]
station = network.WLAN(0)
gc.collect()
print(gc.mem_alloc() - before)
"""


def of_overlay(board: str, interpreter: str = "micropython32") -> int:
    """Return how many bytes of heap the simulated hardware of a board takes.

    Args:
        board: a key of firmware_build.BOARDS.
        interpreter: a key of tools.interpreters.INTERPRETERS.
    """
    start = firmware_build.start_line(firmware_build.build(board)).replace("import main", "")
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
