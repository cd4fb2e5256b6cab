"""Starts programs one after the other, watches them, and stops them in the opposite order."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from rich.console import Console

from tools import children

START_S = 90  # a small or busy machine takes a minute
WATCH_S = 0.5
SIGN_OF_LIFE_S = 5
MOST_RESTARTS = 5
RESTART_WINDOW_S = 60


class StartFailed(Exception):
    """A program did not come up; the text ends with its last words."""


class Stopped(BaseException):
    """The user wants everything to end."""


class _Watched:
    def __init__(self, start: Callable[[], children.Child], port: int | None) -> None:
        self.start = start
        self.port = port
        self.child = start()
        self.restarts: list[float] = []


@contextlib.contextmanager
def _turning(console: Console, title: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal that something is being done, and which part of it."""
    with console.status(f"{title} …") as status:
        yield lambda part: status.update(f"{title}: {part} …")


@contextlib.contextmanager
def _lines(console: Console, title: str) -> Iterator[Callable[[str], None]]:
    """Show the same in a log: a line for each part, and one whenever a part takes long."""
    over, now = threading.Event(), [title]

    def begin(part: str) -> None:
        now[0] = part
        console.print(f"  {part} …")

    def go_on() -> None:
        began = time.monotonic()
        while not over.wait(SIGN_OF_LIFE_S):
            console.print(f"  {now[0]}, {time.monotonic() - began:.0f} s so far …")

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield begin
    finally:
        over.set()
        thread.join()


class Supervisor:
    """Programs that live and end together.

    Args:
        console: where progress is told.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._watched: list[_Watched] = []
        self._stopping = threading.Event()

    @contextlib.contextmanager
    def stopping_on_signals(self) -> Iterator[None]:
        """Within this, Ctrl-C and SIGTERM end `step` and `watch` and leave the block quietly."""

        def stop(number: int, frame: FrameType | None) -> None:
            if not self._stopping.is_set():
                self._stopping.set()
                raise Stopped

        before = {
            number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            with contextlib.suppress(Stopped):
                yield
        finally:
            for number in before:  # a second Ctrl-C does not interrupt the stopping
                signal.signal(number, signal.SIG_IGN)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Tell that something is being started, and how long it took.

        Gives a function that tells which part of it is being done. On a terminal something moves
        all the while; in a log a line says every few seconds that it goes on.
        """
        began = time.monotonic()
        show = _turning if self.console.is_terminal else _lines
        with show(self.console, title) as part:
            yield part
        took = time.monotonic() - began
        self.console.print(f"[green]✓[/green] {title} [dim]{took:.1f} s[/dim]")

    def add(self, start: Callable[[], children.Child], *, port: int | None = None) -> None:
        """Start a program and watch over it from now on.

        Args:
            start: starts it, each time it is needed.
            port: on which it listens when ready; None does not wait.

        Raises:
            StartFailed: it ended, or its port stayed closed.
        """
        watched = _Watched(start, port)
        self._watched.append(watched)
        if port is not None:
            self.wait_for_port(watched.child.name, port)

    def wait_for_port(self, name: str, port: int) -> None:
        """Wait until the named program answers on 127.0.0.1.

        Raises:
            StartFailed: it ended, or its port stayed closed.
        """
        child = next(each.child for each in self._watched if each.child.name == name)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if not child.running:
                raise StartFailed(f"{name} ended while starting:\n{child.last_words()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.05)
        raise StartFailed(f"{name} does not answer on port {port}:\n{child.last_words()}")

    def watch(self, look: Callable[[], None]) -> None:
        """Start again what ends by itself, until the user wants an end.

        Args:
            look: called each time round.

        Raises:
            StartFailed: a program ends again and again.
        """
        while not self._stopping.wait(WATCH_S):
            look()
            for watched in self._watched:
                if not watched.child.running:
                    self._restart(watched)

    def stop(self) -> None:
        """Stop everything, the last started first."""
        if not self._watched:
            return
        with self.console.status("Stopping …"):
            while self._watched:
                self._watched.pop().child.stop()
        self.console.print("Stopped. Everything is kept for the next start.")

    def _restart(self, watched: _Watched) -> None:
        now = time.monotonic()
        watched.restarts = [at for at in watched.restarts if now - at < RESTART_WINDOW_S] + [now]
        name = watched.child.name
        if len(watched.restarts) > MOST_RESTARTS:
            raise StartFailed(f"{name} ends again and again:\n{watched.child.last_words()}")
        self.console.print(
            f"[yellow]{name} ended (status {watched.child.process.returncode}); "
            f"starting it again. Its log: {watched.child.log}[/yellow]"
        )
        watched.child = watched.start()
