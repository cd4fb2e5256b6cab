"""What a start tells while it goes on, on a console that is a log."""

from __future__ import annotations

import io
import threading

import pytest
from rich.console import Console

from tools.run import supervisor as supervisors
from tools.run.supervisor import Supervisor


class Log(io.StringIO):
    """A log that says when somebody wrote that it goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if "so far" in text:
            self.goes_on.set()
        return written


def test_in_a_log_each_part_is_told_and_that_a_long_one_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisors, "SIGN_OF_LIFE_S", 0.01)
    log = Log()
    with Supervisor(Console(file=log)).step("Everything") as tell:
        tell("database")
        assert log.goes_on.wait(30)
    lines = [line.strip() for line in log.getvalue().splitlines()]
    assert lines[0] == "database …"
    assert lines[1] == "database, 0 s so far …"
    assert lines[-1].startswith("✓ Everything")
