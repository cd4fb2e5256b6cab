"""A queue for a database file: one writer at a time, first come, first served.

SQLite lets one connection write and has the others try again after a pause that grows, so that a
program that keeps writing gets in between and an unlucky one waits for seconds. Here writers wait
at a lock of the operating system instead, which wakes them in order, and which it takes back
from a process that dies.

Linux wakes those who wait for flock one by one in the order in which they came, but who asks in
the moment in which it is free gets it at once. So there are two files: who holds the gate is next
and waits there for the turn; who gives a turn back has to queue at the gate before getting
another. Threads of one process share its place and stand in a line of their own.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections import deque

_TURN, _GATE = ".turn", ".gate"  # added to the database's name


class TurnTimedOut(Exception):
    """Others wrote for the whole time that somebody was willing to wait."""


class Turns:
    """The line of this process for turns at one database.

    Args:
        database: its path; the two files lie beside it and stay there, empty.
    """

    def __init__(self, database: str) -> None:
        # They stay open: closing a file is letting go of its lock.
        self._turn, self._gate = (
            os.open(database + name, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
            for name in (_TURN, _GATE)
        )
        self._changed = threading.Condition()
        self._line: deque[threading.Lock] = deque()  # each is let go when its owner's turn comes
        self._is_taken = False  # by a thread of this process
        self._asker: threading.Thread | None = None
        self._process = os.getpid()

    def take(self, timeout_s: float) -> None:
        """Wait for a turn.

        Args:
            timeout_s: how long to wait at most.

        Raises:
            TurnTimedOut: it did not come.
        """
        with self._changed:
            if not self._is_taken and not self._line and self._take_if_free():
                self._is_taken = True
                return
            place = threading.Lock()
            place.acquire()
            self._line.append(place)
            self._ask()
        if place.acquire(timeout=timeout_s):
            return
        with self._changed:
            if place not in self._line:  # it came in this very moment
                return
            self._line.remove(place)
        raise TurnTimedOut(f"no turn to write within {timeout_s:g} s")

    def give_back(self) -> None:
        """End a turn; in a child forked meanwhile do nothing, for the turn is the parent's."""
        if self._process != os.getpid():
            return
        with self._changed:
            self._is_taken = False
            fcntl.flock(self._turn, fcntl.LOCK_UN)
            self._changed.notify()

    def forget(self) -> None:
        """Close the files, after a fork in the child; the parent keeps its turn."""
        os.close(self._turn)
        os.close(self._gate)

    def _take_if_free(self) -> bool:
        """Take a turn that nobody holds and nobody waits for."""
        try:
            fcntl.flock(self._gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        try:
            fcntl.flock(self._turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            fcntl.flock(self._gate, fcntl.LOCK_UN)
        return True

    def _ask(self) -> None:
        """Have somebody stand at the gate for this process.

        Waiting for flock can't be timed, so one thread does it for all that may lose patience.
        """
        if self._asker is None:
            self._asker = threading.Thread(target=self._stand, name="sqlite-turns", daemon=True)
            self._asker.start()
        self._changed.notify()

    def _stand(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._line and not self._is_taken)
            fcntl.flock(self._gate, fcntl.LOCK_EX)
            fcntl.flock(self._turn, fcntl.LOCK_EX)
            fcntl.flock(self._gate, fcntl.LOCK_UN)
            with self._changed:
                if self._line:
                    self._is_taken = True
                    self._line.popleft().release()
                else:  # they lost patience
                    fcntl.flock(self._turn, fcntl.LOCK_UN)


_known: dict[str, Turns] = {}
_knowing = threading.Lock()


def turns_at(database: str) -> Turns:
    """Return this process's line for a database, of which there is one."""
    with _knowing:
        found = _known.get(database)
        if found is None:
            found = _known[database] = Turns(database)
        return found


def _forget_all() -> None:
    global _knowing
    _knowing = threading.Lock()
    for each in _known.values():
        each.forget()
    _known.clear()


os.register_at_fork(after_in_child=_forget_all)
