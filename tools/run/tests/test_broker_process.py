"""The broker's program ends when its broker dies, so that it is started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import interpreters
from tools.broker.ports import free_port
from tools.run.broker_process import LOOK_AGAIN_S

PATIENCE_S = 15


@pytest.fixture
def program() -> Iterator[subprocess.Popen[str]]:
    """The program, once its broker serves."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.run.broker_process", str(free_port())],
        cwd=interpreters.REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("serving on mqtt://127.0.0.1:")
        yield process
    finally:
        process.kill()
        process.communicate()


def test_it_ends_with_a_failure_when_the_broker_is_killed(
    program: subprocess.Popen[str],
) -> None:
    tasks = Path(f"/proc/{program.pid}/task").iterdir()
    (broker,) = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    os.kill(broker, signal.SIGKILL)
    _, said = program.communicate(timeout=PATIENCE_S)
    assert program.returncode == 1
    assert "the broker's process has died" in said


def test_it_ends_well_when_told_to(program: subprocess.Popen[str]) -> None:
    program.terminate()
    assert program.wait(PATIENCE_S) == 0


def test_stopped_and_continued_it_goes_on(program: subprocess.Popen[str]) -> None:
    """As by Ctrl-Z and fg, or a machine that slept."""
    program.send_signal(signal.SIGSTOP)
    with pytest.raises(subprocess.TimeoutExpired):
        program.wait(2 * LOOK_AGAIN_S)  # it looked for a signal when it was stopped
    program.send_signal(signal.SIGCONT)
    with pytest.raises(subprocess.TimeoutExpired):
        program.wait(6 * LOOK_AGAIN_S)
    program.terminate()
    assert program.wait(PATIENCE_S) == 0
