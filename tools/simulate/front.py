"""What a person sees and hears of a simulated meter, and waits for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Self, TypeVar

from tools.simulate.bench import Message
from tools.simulate.program import Program

LOG_LINES = 200

T = TypeVar("T")


class WaitTimeout(AssertionError):
    """What was waited for did not come; the text says what the meter showed instead."""


class Front:
    """The display, lamps, buzzer and load switch of a meter, as its programs last told.

    Args:
        name: of the meter, for messages.
        relay: "open" or "closed": how its load switch stands without power.
    """

    def __init__(self, name: str, relay: str) -> None:
        self.name = name
        self.rows = ["", ""]
        self.cursor: int | None = None
        self.lamps: dict[str, bool] = {}
        self.relay = relay
        self.buzzer_hz = 0
        self.sounds = 0  # how often the buzzer has begun to sound
        self.powered = False
        self.pulse_count = 0  # as the pulse lamp blinked
        self.cut_armed = False
        self.failure = ""
        self.heap_report: Message = {}
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self.screens: deque[tuple[str, str]] = deque(maxlen=400)
        self.listeners: list[Callable[[], None]] = []
        self._changed = threading.Condition(threading.RLock())

    @property
    def lcd(self) -> str:
        """Both rows of the display, with a line break between."""
        return "\n".join(self.rows)

    @property
    def lit(self) -> bool:
        """True while the house has electricity."""
        return self.powered and self.relay == "closed"

    def forget_screens(self) -> None:
        """Start afresh remembering what the display shows."""
        with self._changed:
            self.screens.clear()

    def wait_for(self, condition: Callable[[Self], T], timeout: float = 10) -> T:
        """Wait until a condition of the meter holds and return its value.

        Raises:
            WaitTimeout: it did not hold within `timeout` seconds.
        """
        with self._changed:
            held = self._changed.wait_for(lambda: condition(self), timeout)
            if not held:
                raise WaitTimeout(f"not within {timeout} s; {self.describe()}")
            return held

    def wait_for_text(self, text: str, timeout: float = 10) -> str:
        """Wait until the display shows, or since `forget_screens` has shown, a text.

        Returns:
            The display's two rows at that moment.
        """

        def shown(meter: Self) -> str | None:
            current = tuple(meter.rows)
            for rows in (*meter.screens, current):
                if any(text in row for row in rows):
                    return "\n".join(rows)
            return None

        try:
            return str(self.wait_for(shown, timeout))
        except WaitTimeout as error:
            raise WaitTimeout(f"{text!r} did not show: {error}") from None

    def describe(self) -> str:
        """Return in one line what the meter shows, for messages."""
        lamps = ",".join(name for name, on in self.lamps.items() if on) or "none"
        power = "on" if self.powered else "off"
        return (
            f"meter {self.name}: power {power}, display [{self.rows[0]}|{self.rows[1]}], "
            f"lamps {lamps}, relay {self.relay} {self.failure}"
        ).rstrip()

    def _go_dark(self) -> None:
        self.powered = False
        self.cut_armed = False
        self.rows = ["", ""]
        self.lamps = {}
        self.buzzer_hz = 0

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
        for listener in self.listeners:
            listener()

    # What the programs tell

    def _on_lcd(self, program: Program, rows: list[str]) -> None:
        self.rows = list(rows)
        self.screens.append((rows[0], rows[1]))

    def _on_cursor(self, program: Program, position: int | None) -> None:
        self.cursor = position

    def _on_lamps(self, program: Program, lamps: dict[str, bool]) -> None:
        self.lamps = self.lamps | lamps

    def _on_relay(self, program: Program, position: str) -> None:
        self.relay = position

    def _on_buzzer(self, program: Program, hertz: int) -> None:
        self.sounds += bool(hertz and not self.buzzer_hz)
        self.buzzer_hz = hertz

    def _on_pulse_lamp(self, program: Program, count: int) -> None:
        self.pulse_count += count

    def _on_heap(self, program: Program, report: Any) -> None:
        self.heap_report = report if isinstance(report, dict) else {"peak": report}

    def _on_log(self, program: Program, line: list[str]) -> None:
        self.log.append(f"{program.part}: {line[1]}")
