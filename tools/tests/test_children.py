"""Children end with us, however we end, and give up root's rights when told to."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools import children, interpreters

PARENT = """
import sys
from pathlib import Path
from tools import children
child = children.start("sleeper", ["sleep", "600"], folder=Path("/"))
print(child.process.pid, flush=True)
sys.stdin.read()
"""


def test_a_child_dies_with_a_parent_that_is_killed_hard() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        cwd=interpreters.REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    assert _has_ended(child, seconds=5)


def test_stop_ends_a_child_that_will_not_listen(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True)"
    child = children.start(
        "deaf",
        [sys.executable, "-c", f"{deaf}\nwhile True: time.sleep(60)"],
        folder=tmp_path,
        log=tmp_path / "deaf.log",
    )
    while "deaf" not in child.last_words():
        assert child.running
    child.stop(timeout=0.2)
    assert child.process.returncode == -signal.SIGKILL


def test_what_a_child_started_ends_with_it_when_it_is_killed(tmp_path: Path) -> None:
    """As a web server that is stopped while it still starts its worker."""
    deaf = "import signal, subprocess, time; signal.signal(15, signal.SIG_IGN)"
    starts = "print(subprocess.Popen(['sleep', '600']).pid, flush=True)"
    child = children.start(
        "server",
        [sys.executable, "-c", f"{deaf}\n{starts}\nwhile True: time.sleep(60)"],
        folder=tmp_path,
        log=tmp_path / "server.log",
    )
    while not child.last_words():
        assert child.running
    worker = os.pidfd_open(int(child.last_words()))
    child.stop(timeout=0.2)
    assert _has_ended(worker, seconds=5)


def test_last_words_are_the_end_of_what_was_printed(tmp_path: Path) -> None:
    child = children.start(
        "counter",
        [sys.executable, "-c", "for number in range(30): print(number)"],
        folder=tmp_path,
        log=tmp_path / "counter.log",
    )
    child.process.wait(20)
    assert child.last_words(3) == "27\n28\n29"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up root's rights")
def test_a_child_runs_as_the_user_it_is_told() -> None:
    command = ["sh", "-c", "test $(id -un) = nobody && test $(id -G) = $(id -g)"]
    child = children.start("whoami", command, folder=Path("/"), user="nobody")
    assert child.process.wait(20) == 0


def _has_ended(descriptor: int, *, seconds: float) -> bool:
    """Wait for a process by its descriptor; becoming readable means that it has ended."""
    ready, _, _ = select.select([descriptor], [], [], seconds)
    os.close(descriptor)
    return bool(ready)
