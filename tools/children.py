"""Child processes that never outlive this one, not even when it is killed hard.

The kernel is asked to kill a child when the thread that started it ends, so all are started by
one thread that lives as long as the process.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


class Child:
    """One started program."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path | None) -> None:
        self.name = name
        self.process = process
        self.log = log

    @property
    def running(self) -> bool:
        """True while the program has not ended."""
        return self.process.poll() is None

    def stop(self, timeout: float = 5) -> None:
        """Ask the program to end; after `timeout` seconds, end it."""
        if self.running:
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        self._close()

    def kill(self) -> None:
        """End the program at once, as a power cut does, and wait until it is gone.

        What it has started ends with it: a server's workers would keep its port otherwise.
        """
        if self.running:
            with contextlib.suppress(ProcessLookupError):  # it ended this very moment
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._close()

    def last_words(self, lines: int = 12) -> str:
        """Return the end of what the program printed, for an error message."""
        if self.log is None or not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()


def start(
    name: str,
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
    user: str | None = None,
    umask: int = -1,
) -> Child:
    """Start a program in a session of its own, so that Ctrl-C reaches only us.

    Args:
        name: what people call it.
        command: the program and its arguments.
        folder: its working directory.
        environment: variables set besides our own.
        log: file that receives what it prints; None discards it.
        user: run as this user (only root may).
        umask: what the files that it makes do not allow; -1: as ours.
    """
    return _spawner.submit(_start, name, command, folder, environment, log, user, umask).result()


def _start(
    name: str,
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None,
    log: Path | None,
    user: str | None,
    umask: int,
) -> Child:
    output: IO[bytes] | int = subprocess.DEVNULL if log is None else log.open("ab")
    try:
        process = subprocess.Popen(
            [*_guard(user), *command],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=umask,
        )
    finally:
        if not isinstance(output, int):
            output.close()
    return Child(name, process, log)


def _guard(user: str | None) -> list[str]:
    """Return the prefix that ties a program's life to ours and gives up root's rights."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    guard = [setpriv, "--pdeathsig", "KILL"]
    if user is not None:
        account = pwd.getpwnam(user)
        guard += [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    # The kernel sends nothing if we ended before it was asked to; then the program must not begin.
    still_ours = 'test "$PPID" = "$0" && exec "$@"'
    return [*guard, "--", "sh", "-c", still_ours, str(os.getpid())]
