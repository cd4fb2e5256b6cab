"""A meter and a keypad as two processes joined by a pair of ptys that can be pulled apart.

The meter's rules are a stand-in that echoes keys, so that every key that counted can be read
from the display.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tools import firmware_build
from tools.simulate.wires import SerialCable

STAND_IN = "firmware.boards.tests.stand_in_meter"
TIMEOUT_S = 20


class Board:
    """One simulated board in its process, and what it told."""

    def __init__(self, board: str, folder: Path, interpreter: str, uart: str, main: str = ""):
        folder.mkdir(exist_ok=True)
        self._start = (board, interpreter, main)
        self._folder = folder
        self._uart = uart
        self._changed = threading.Condition()
        self.told: dict[str, Any] = {}
        self.start()

    def start(self) -> None:
        """Power on."""
        board, interpreter, main = self._start
        command, environment = firmware_build.command(board, interpreter=interpreter, main=main)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            environment |= {
                "BENCH_PORT": str(listener.getsockname()[1]),
                "UART_PATH": self._uart,
            }
            self.process = subprocess.Popen(
                command, cwd=self._folder, env={**os.environ, **environment}
            )
            listener.settimeout(TIMEOUT_S)
            self._connection, _ = listener.accept()
        threading.Thread(target=self._read, args=(self._connection,), daemon=True).start()

    def cut(self) -> None:
        """Power off, at once."""
        self.process.kill()
        self.process.wait(TIMEOUT_S)
        self._connection.close()

    def tell(self, **message: Any) -> None:
        """Send a message of the bench."""
        self._connection.sendall(json.dumps(message).encode() + b"\n")

    def wait(self, condition: Callable[[dict[str, Any]], Any]) -> None:
        """Wait until what the board told last meets a condition."""
        with self._changed:
            met = self._changed.wait_for(lambda: condition(self.told), TIMEOUT_S)
        assert met, self.told

    def type(self, keys: str) -> None:
        """Press keys, each until it clicks."""
        for key in keys:
            before = self.told.get("clicks", 0)
            self.tell(key=key, down=True)
            self.wait_for_click(before)
            self.tell(key=key, down=False)
            time.sleep(0.06)  # a finger needs time too: longer than the debouncing

    def wait_for_click(self, before: int) -> None:
        """Wait until there were more clicks than `before`."""
        self.wait(lambda told: told.get("clicks", 0) > before)

    def _read(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            while True:
                try:
                    line = lines.readline()
                except (OSError, ValueError):
                    return
                if not line:
                    return
                message = json.loads(line)
                with self._changed:
                    self.told.update(message)
                    if message.get("buzzer") == 2400:
                        self.told["clicks"] = self.told.get("clicks", 0) + 1
                    self._changed.notify_all()


class Pair:
    """Meter, keypad, and the cable between."""

    def __init__(self, folder: Path, interpreter: str) -> None:
        self.cable = SerialCable()
        meter_end, keypad_end = self.cable.ends
        self.meter = Board("meter", folder / "meter", interpreter, meter_end, STAND_IN)
        self.keypad = Board("keypad", folder / "keypad", interpreter, keypad_end)

    def close(self) -> None:
        """Switch off."""
        self.meter.cut()
        self.keypad.cut()
        self.cable.close()

    def wait_for_row(self, text: str) -> None:
        """Wait until the first row of the display is exactly this text."""
        self.keypad.wait(lambda told: told.get("lcd", [""])[0].rstrip() == text)

    def wait_for_link(self) -> None:
        """Wait until the display shows what the meter says."""
        self.keypad.wait(lambda told: "Wh" in told.get("lcd", ["", ""])[1])


@pytest.fixture
def pair(tmp_path: Path, interpreter: str) -> Iterator[Pair]:
    pair = Pair(tmp_path, interpreter)
    try:
        pair.wait_for_link()
        yield pair
    finally:
        pair.close()


def test_keys_cross_the_line_and_the_relay_moves(pair: Pair) -> None:
    pair.keypad.type("12345*6")
    pair.wait_for_row("12346")
    assert pair.meter.told["relay"] == "open"
    pair.keypad.type("#")
    pair.meter.wait(lambda told: told["relay"] == "closed")
    pair.wait_for_row("")
    pair.keypad.wait(lambda told: told["lamps"]["green"])


def test_the_line_is_pulled_out_at_any_moment_and_no_key_counts_twice(pair: Pair) -> None:
    stop = threading.Event()

    def shake() -> None:
        for number in range(1, 1000):
            pair.cable.plug(number % 2 == 0)
            if stop.wait(0.01 + number % 7 * 0.013):
                break
        pair.cable.plug(True)

    shaking = threading.Thread(target=shake)
    shaking.start()
    pair.keypad.type("1234567890")
    stop.set()
    shaking.join()
    pair.wait_for_row("1234567890")


def test_a_line_out_for_long_is_shown_and_comes_back(pair: Pair) -> None:
    pair.keypad.type("12")
    pair.wait_for_row("12")
    pair.cable.plug(False)
    pair.wait_for_row("No connection")
    pair.cable.plug(True)
    pair.wait_for_row("12")
    pair.keypad.type("3")
    pair.wait_for_row("123")


def test_a_keypad_that_lost_its_power_comes_back_and_repeats_nothing(pair: Pair) -> None:
    pair.keypad.type("123")
    pair.wait_for_row("123")
    pair.keypad.cut()
    pair.keypad.told.clear()
    pair.keypad.start()
    pair.wait_for_row("123")
    pair.keypad.type("4")
    pair.wait_for_row("1234")
