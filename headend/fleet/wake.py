"""How a queued command wakes the gateway at once.

PostgreSQL notifies over a connection that the gateway listens on. SQLite has nothing of the kind,
but tells for next to nothing whether another connection has changed the file.
"""

from __future__ import annotations

import select
from functools import partial
from typing import Any, Protocol

from django.db.backends.base.base import BaseDatabaseWrapper

from headend.config import prepared, writing

CHANNEL = "openprepay_fleet"
_NOTIFY = prepared.Statement(f"NOTIFY {CHANNEL}")
POLL_SECONDS = 0.02  # SQLite: how long a queued command may wait to be seen


class Waker(Protocol):
    """Tells whether there may be new commands; `descriptors` are watched by the caller too."""

    poll_seconds: float

    def descriptors(self) -> list[int]:
        """Return file descriptors that turn readable when there is something new."""

    def is_woken(self) -> bool:
        """Return True once after something may have been queued."""

    def close(self) -> None:
        """Let go of what it holds."""


def announce(connection: BaseDatabaseWrapper) -> None:
    """Tell gateways that commands were queued, once the transaction has committed.

    Told within it, no two sales could commit together: PostgreSQL lets those that notify commit
    one at a time. Should the process end in between, the gateway's own sweep finds the command.
    """
    if connection.vendor != "postgresql" or writing.after_commit(_NOTIFY):
        return
    if connection.in_atomic_block:
        connection.on_commit(partial(_notify, connection), robust=True)
    else:
        _notify(connection)


def _notify(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {CHANNEL}")


class FileWaker:
    """SQLite: asks for the file's change counter."""

    poll_seconds = POLL_SECONDS

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._version: Any = None

    def descriptors(self) -> list[int]:
        """Return nothing: a file cannot be waited for."""
        return []

    def is_woken(self) -> bool:
        """Return True if another connection has written since the last call."""
        with self._connection.cursor() as cursor:
            cursor.execute("PRAGMA data_version")
            version = cursor.fetchone()
        changed = version != self._version
        self._version = version
        return changed

    def close(self) -> None:
        """Nothing to let go of; the connection is the caller's."""


class ListenWaker:
    """PostgreSQL: LISTEN on a connection of its own."""

    poll_seconds = 1.0

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        import psycopg  # only where PostgreSQL is used

        parameters = connection.get_connection_params()
        wanted = {
            name: parameters[name]
            for name in ("dbname", "user", "password", "host", "port")
            if parameters.get(name)
        }
        self._listener = psycopg.connect(**wanted, autocommit=True)
        self._listener.execute(f"LISTEN {CHANNEL}")
        self._first = True

    def descriptors(self) -> list[int]:
        """Return the listening socket."""
        return [self._listener.fileno()]

    def is_woken(self) -> bool:
        """Return True if a notification came since the last call, and the first time."""
        readable, _, _ = select.select(self.descriptors(), [], [], 0)
        if readable:
            heard = list(self._listener.notifies(timeout=0))
            return bool(heard)
        first, self._first = self._first, False
        return first

    def close(self) -> None:
        """Close the listening connection."""
        self._listener.close()


def waker(connection: BaseDatabaseWrapper) -> Waker:
    """Return what wakes the gateway on this database."""
    if connection.vendor == "postgresql":
        return ListenWaker(connection)
    return FileWaker(connection)
