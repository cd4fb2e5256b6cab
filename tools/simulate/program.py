"""One program of a simulated device: the firmware in a MicroPython, and its bench connection."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from tools import children, firmware_build
from tools.firmware_build import heap
from tools.simulate.bench import Bench, Message

HEAR_OUT_S = 2


class Program:
    """Starts one part's firmware as often as power comes back.

    Args:
        part: "combined", "meter" or "keypad".
        folder: working directory: the device's flash and settings.
        interpreter: name of a MicroPython.
        firmware_kib: heap that its firmware may use, in KiB, or None for the interpreter's
            default; what the simulated hardware takes is measured and added.
        uart: the serial line's end, or None.
        observe: called with this program and each message of its board; {"ended": words} says
            that the program ended by itself.
    """

    def __init__(
        self,
        part: str,
        folder: Path,
        interpreter: str,
        firmware_kib: int | None,
        *,
        uart: str | None,
        observe: Callable[[Program, Message], None],
    ) -> None:
        self.part = part
        self.folder = folder
        self._interpreter = interpreter
        self._firmware_kib = firmware_kib
        self._uart = uart
        self.resetting = False  # the firmware reset its chip, and so must be started again
        self._child: children.Child | None = None
        self._observe = observe
        self.bench = Bench(lambda message: observe(self, message))

    def start(self) -> None:
        """Start the firmware, compiled as for a device."""
        command, environment = firmware_build.command(
            self.part, interpreter=self._interpreter, heap=self._heap()
        )
        environment["BENCH_PORT"] = str(self.bench.port)
        if self._uart:
            environment["UART_PATH"] = self._uart
        self.resetting = False
        self._child = children.start(
            f"{self.folder.name} {self.part}",
            command,
            folder=self.folder,
            environment=environment,
            log=self.folder / f"{self.part}.log",
        )
        threading.Thread(target=self._watch, args=(self._child,), daemon=True).start()

    def _heap(self) -> str | None:
        if self._firmware_kib is None:
            return None
        return heap.as_on_a_device(self.part, self._firmware_kib, self._interpreter)

    def kill(self) -> None:
        """Stop it as a power cut does."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()

    def close(self) -> None:
        """Stop it and its bench."""
        self.kill()
        self.bench.close()

    def _watch(self, child: children.Child) -> None:
        """Tell when the program ends, unless we ended it."""
        status = child.process.wait()
        self.bench.wait_until_heard_out(HEAR_OUT_S)
        if child is self._child:
            self._observe(self, {"ended": child.last_words(4) or f"status {status}"})
