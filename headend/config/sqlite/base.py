"""Django's SQLite backend with a fair queue for writers and a named error for time-outs.

Turns are taken at BEGIN IMMEDIATE, or around a statement that writes outside a transaction, and
given back at commit, rollback and close. A database in memory has no queue; nor has a platform
without flock, where writers go on trying as SQLite has it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

from headend.config.errors import DatabaseBusy

try:
    from headend.config.sqlite import turns
except ImportError:  # no fcntl
    turns = None  # type: ignore[assignment]

_Base: Any = base.DatabaseWrapper  # its private methods are overridden; their types are not told
_BaseCursor: Any = base.SQLiteCursorWrapper
_TRANSACTION = frozenset(("BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE"))
_READS = frozenset(("SELECT", "PRAGMA", "EXPLAIN", "ANALYZE"))
_USUAL_TIMEOUT_S = 5.0  # of SQLite's driver


class DatabaseWrapper(_Base):
    """A connection that waits for its turn to write."""

    _turn: Any = None  # while it has one

    def create_cursor(self, name: Any = None) -> Any:
        """Return a cursor that takes a turn for what it writes outside a transaction."""
        cursor = self.connection.cursor(factory=_Cursor)
        cursor.database = self
        return cursor

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold a turn for one statement.

        Raises:
            DatabaseBusy: others wrote all the time.
        """
        self._take_turn()
        try:
            yield
        finally:
            self._give_back()

    def _start_transaction_under_autocommit(self) -> None:
        self._take_turn()
        try:
            super()._start_transaction_under_autocommit()
        except OperationalError as error:
            self._give_back()
            if "locked" in str(error):  # by a program that does not queue
                raise self._busy() from error
            raise
        except BaseException:
            self._give_back()
            raise

    def _commit(self) -> Any:
        super()._commit()
        self._give_back()  # what failed to commit is rolled back, and has its turn until then

    def _rollback(self) -> Any:
        try:
            super()._rollback()
        finally:
            self._give_back()

    def _close(self) -> Any:
        try:
            super()._close()
        finally:
            self._give_back()

    def _take_turn(self) -> None:
        name = str(self.settings_dict["NAME"])
        if turns is None or self._turn is not None or self.is_in_memory_db():
            return
        if name.startswith("file:"):  # how its file is called only SQLite knows
            return
        line = turns.turns_at(os.path.realpath(name))
        try:
            line.take(self._timeout_s)
        except turns.TurnTimedOut as error:
            raise self._busy() from error
        self._turn = line

    def _give_back(self) -> None:
        line, self._turn = self._turn, None
        if line is not None:
            line.give_back()

    @property
    def _timeout_s(self) -> float:
        return float(self.settings_dict["OPTIONS"].get("timeout", _USUAL_TIMEOUT_S))

    def _busy(self) -> DatabaseBusy:
        return DatabaseBusy(
            f"others wrote to the database for {self._timeout_s:g} s; "
            "this change has not begun, try again"
        )


class _Cursor(_BaseCursor):
    """Takes a turn for a statement that is a transaction of its own."""

    database: DatabaseWrapper

    def execute(self, query: str, params: Any = None) -> Any:
        if self._reads(query):
            return super().execute(query, params)
        with self.database.writing():
            return super().execute(query, params)

    def executemany(self, query: str, param_list: Any) -> Any:
        if self._reads(query):
            return super().executemany(query, param_list)
        with self.database.writing():
            return super().executemany(query, param_list)

    def _reads(self, query: str) -> bool:
        """Say whether a statement needs no turn of its own."""
        if self.connection.in_transaction:
            return True
        word = query.split(None, 1)[0].upper() if query.strip() else ""
        return word in _READS or word in _TRANSACTION
