"""The simulated board's line to the bench that surrounds it: JSON lines over TCP, see README.md.

Parts register what they listen to in `handlers` and tell what happens with `emit`. Without
BENCH_PORT in the environment the board runs alone: events are dropped, and tests that live in
the same interpreter call `handle` themselves.
"""

import asyncio
import gc
import json
import os
import socket
import sys

BOARD = os.getenv("BENCH_BOARD") or "combined"
handlers = {}
_socket = None


def emit(message):
    """Send one message (a dict) to the bench; without a bench, drop it."""
    if _socket is None:
        return
    line = memoryview(json.dumps(message).encode() + b"\n")
    while line:
        sent = _socket.write(line)
        if sent:
            line = line[sent:]


def handle(message):
    """Act on one message (a dict) from the bench; names nobody listens to are reported back."""
    for name in message:
        handler = handlers.get(name)
        if handler is None:
            emit({"log": ["error", "bench: nothing here understands " + name]})
        else:
            handler(message)


def cut_power():
    """End this process as a power cut would: at once, nothing flushed, nothing cleaned up.

    Allocates nothing, so that it works with the heap locked.
    """
    os.system("kill -9 $PPID")  # noqa: S605, S607 - a constant; no os.kill here


def log(level, text):
    """Hand a line of the board's log to the bench; without one, print it."""
    if _socket is None:
        print(level, text)
    else:
        emit({"log": [level, text]})


def process_id():
    """Number of this process."""
    with open("/proc/self/stat") as status:
        return int(status.read().split(" ", 1)[0])


def _quit(message):
    raise SystemExit(0)


_heap_peak = 0


def sample_heap():
    """Collect garbage and remember the most that was ever in use, in bytes."""
    global _heap_peak
    gc.collect()
    used = gc.mem_alloc()
    if used > _heap_peak:
        _heap_peak = used
    return used


def _tell_heap(message):
    used = sample_heap()
    sizes = {"used": used, "peak": _heap_peak, "total": used + gc.mem_free()}
    emit({"heap": sizes})


async def _listen():
    reader = asyncio.StreamReader(_socket)
    while True:
        line = await reader.readline()
        if not line:
            cut_power()  # the bench has gone: nothing may outlive it
        handle(json.loads(line))


def _connect(port):
    global _socket
    line = socket.socket()
    line.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    line.setblocking(False)
    _socket = line
    emit({"hello": {"board": BOARD, "pid": process_id(), "interpreter": sys.platform}})
    asyncio.create_task(_listen())


handlers["quit"] = _quit
handlers["heap"] = _tell_heap
if os.getenv("BENCH_PORT"):
    _connect(int(os.getenv("BENCH_PORT")))
