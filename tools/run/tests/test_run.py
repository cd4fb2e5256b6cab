"""`prepay run` as a person has it: it comes up, tells how to get in, stops, and comes back."""

from __future__ import annotations

import http.client
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools import interpreters
from tools.broker.ports import free_port


class Running:
    """A started system and what it printed until it was ready."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-c", "from tools.prepay import main; main()", "run"),
                *("--data", str(data), "--web-port", str(free_port())),
                *("--panel-port", str(free_port()), "--broker-port", str(free_port())),
            ],
            cwd=interpreters.REPOSITORY,
            env={name: value for name, value in os.environ.items() if name != "MQTT_URL"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.printed = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line
            if line.startswith("Ready in"):
                return
        raise AssertionError(f"it did not start:\n{self.printed}")

    def seconds(self) -> float:
        """Return how long the start took, as it says."""
        return float(self.found(r"Ready in ([\d.]+) s"))

    def found(self, pattern: str) -> str:
        """Return the first group of a pattern in what was printed."""
        match = re.search(pattern, self.printed)
        assert match, f"{pattern} is not in:\n{self.printed}"
        return match[1]

    def descendants(self) -> list[int]:
        """Return descriptors of all processes below it."""
        found, waiting = [], [self.process.pid]
        while waiting:
            parent = waiting.pop()
            for task in Path(f"/proc/{parent}/task").iterdir():
                children = (task / "children").read_text().split()
                found += [os.pidfd_open(int(child)) for child in children]
                waiting += map(int, children)
        return found

    def end(self, number: int) -> None:
        """Send a signal and wait until the process has ended."""
        self.process.send_signal(number)
        self.process.wait(30)


@pytest.fixture
def start() -> Iterator[Callable[[Path], Running]]:
    running: list[Running] = []

    def start(data: Path) -> Running:
        running.append(Running(data))
        return running[-1]

    yield start
    for each in running:
        each.process.kill()
        each.process.wait()
        assert each.process.stdout is not None
        each.process.stdout.close()


def _status(url: str) -> int:
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request("GET", f"/{path}")
    status = connection.getresponse().status
    connection.close()
    return status


def test_it_starts_stops_and_starts_again_with_what_it_had(
    start: Callable[[Path], Running], tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    first = start(tmp_path)
    stored = [tmp_path / "headend.sqlite3", *(tmp_path / "meters").rglob("*")]
    assert not [path for path in stored if path.stat().st_mode & 0o077]
    till = first.found(r"Till and meters\s+(\S+)")
    panel = first.found(r"Panel\s+(\S+)")
    assert _status(f"{till}log-in/") == 200
    assert _status(panel) == 303
    assert _status(panel.split("?")[0]) == 403
    below = first.descendants()
    assert len(below) >= 8
    first.end(signal.SIGTERM)
    assert all(_ended(descriptor) for descriptor in below)

    second = start(tmp_path)
    assert second.found(r"cashier\s+password (\S+)") == first.found(r"cashier\s+password (\S+)")
    assert second.seconds() < 30  # some ten times what it takes where nothing else runs
    below = second.descendants()
    second.process.kill()
    second.process.wait(30)
    assert all(_ended(descriptor) for descriptor in below), "it left orphans when killed hard"


def test_a_second_one_with_the_same_data_is_refused(
    start: Callable[[Path], Running], tmp_path: Path
) -> None:
    start(tmp_path)
    with pytest.raises(AssertionError, match=r"running already.*--data"):
        start(tmp_path)


def _ended(descriptor: int) -> bool:
    """Wait at most ten seconds for a process to end."""
    ready, _, _ = select.select([descriptor], [], [], 10)
    os.close(descriptor)
    return bool(ready)
