"""One program of a simulated device: the firmware in a MicroPython, and its bench connection."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from tools import children, firmware_build
from tools.simulate.bench import Bench, Message


class Program:
    """Starts one part's firmware as often as power comes back.

    Args:
        part: "combined", "meter" or "keypad".
        folder: working directory: the device's flash and settings.
        interpreter: name of a MicroPython.
        heap: heap size for it, or None.
        uart: the serial line's end, or None.
        observe: called with this program and each message of its board.
    """

    def __init__(
        self,
        part: str,
        folder: Path,
        interpreter: str,
        heap: str | None,
        *,
        uart: str | None,
        observe: Callable[[Program, Message], None],
    ) -> None:
        self.part = part
        self.folder = folder
        self._interpreter = interpreter
        self._heap = heap
        self._uart = uart
        self.resetting = False  # the firmware reset its chip, and so must be started again
        self._child: children.Child | None = None
        self._connections_before = 0
        self.bench = Bench(lambda message: observe(self, message))

    def start(self) -> None:
        """Start the firmware, compiled as for a device."""
        command, environment = firmware_build.command(
            self.part, interpreter=self._interpreter, heap=self._heap
        )
        environment["BENCH_PORT"] = str(self.bench.port)
        if self._uart:
            environment["UART_PATH"] = self._uart
        self._connections_before = self.bench.accepted
        self.resetting = False
        self._child = children.start(
            f"{self.folder.name} {self.part}",
            command,
            folder=self.folder,
            environment=environment,
            log=self.folder / f"{self.part}.log",
        )

    def kill(self) -> None:
        """Stop it as a power cut does."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def ending(self, connection: int) -> str | None:
        """Return in words how the program whose board hung up ended.

        Args:
            connection: number of the bench connection that ended.

        Returns:
            None if that was an earlier run, or if we switched it off ourselves.
        """
        if self._child is None or connection <= self._connections_before:
            return None
        try:
            status = self._child.process.wait(2)
        except subprocess.TimeoutExpired:
            return None
        return self._child.last_words(4) or f"status {status}"

    def close(self) -> None:
        """Stop it and its bench."""
        self.kill()
        self.bench.close()
