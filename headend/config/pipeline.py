"""Several statements to PostgreSQL and back in one round trip, each planned once a connection.

This is psycopg's pipeline without what it does for every kind of query. A sale's statements are
few and their texts never change; the driver's part of a sale is a third of what it would be.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import errors, pq
from psycopg.adapt import AdaptersMap, Loader, Transformer

# Each takes memory of the server. Only mixtures of new rows make so many; see `config.writing`.
MOST_PREPARED = 300
_TEXT, _BINARY = 0, 1
_DONE = pq.ExecStatus.COMMAND_OK
_SYNC, _FAILED = pq.ExecStatus.PIPELINE_SYNC, pq.ExecStatus.FATAL_ERROR


class _Instants(Loader):
    """Reads instants as the server writes them to Django's connections: ISO, in UTC."""

    def load(self, data: Any) -> datetime:
        """Return an aware datetime."""
        return datetime.fromisoformat(bytes(data).decode())


class _Adapting(NamedTuple):
    """What psycopg takes loaders from."""

    adapters: AdaptersMap
    connection: Any


class Pipeline:
    """The pipeline of one connection, kept with it.

    Args:
        raw: psycopg's connection.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._pg = raw.pgconn
        adapters = AdaptersMap(raw.adapters)
        adapters.register_loader("timestamptz", _Instants)
        self._loading = Transformer.from_context(_Adapting(adapters, raw))
        # Of the statements that the server has prepared, the oldest first.
        self._names: dict[str, bytes] = {}
        self._answer = select.poll()
        self._answer.register(self._pg.socket, select.POLLIN)

    def run(
        self,
        asks: Sequence[tuple[str, tuple[Any, ...]]],
        *,
        commits: bool = False,
        then: Sequence[tuple[str, tuple[Any, ...]]] = (),
    ) -> list[list[Any]]:
        """Run statements in order and return the rows of each.

        Args:
            asks: text with $1, $2 ..., and the parameters.
            commits: commit after them.
            then: what runs after the commit, if all went well.

        Raises:
            psycopg.Error: of the first that failed; none after it was run.
        """
        pg, names = self._pg, self._names
        begins = not self._raw.autocommit and (pg.transaction_status == pq.TransactionStatus.IDLE)
        before = [("BEGIN", ())] if begins else []
        after = [("COMMIT", ())] if commits else []
        wanted = [*before, *asks, *after, *then]
        new = list(dict.fromkeys(text for text, _ in wanted if text not in names))
        old = self._too_old(new, wanted) if new else []
        pg.enter_pipeline_mode()
        try:
            for text in old:
                pg.send_query_params(b"DEALLOCATE " + names[text], None)
            for text in new:
                pg.send_prepare(_name(text), text.encode())
            for text, parameters in wanted:
                self._send(text, parameters)
            pg.pipeline_sync()
            results = self._results()
        finally:
            if pg.status == pq.ConnStatus.OK:
                pg.exit_pipeline_mode()
        # What the server has prepared it keeps, even if a later statement failed.
        for text, result in zip(old, results, strict=False):
            if result.status == _DONE:
                del names[text]
        for text, result in zip(new, results[len(old) :], strict=False):
            if result.status == _DONE:
                names[text] = _name(text)
        for result in results:
            if result.status == _FAILED:
                raise errors.error_from_result(result)
        first = len(old) + len(new) + len(before)
        return [self._rows(result) for result in results[first : first + len(asks)]]

    def _too_old(
        self, new: Sequence[str], wanted: Sequence[tuple[str, tuple[Any, ...]]]
    ) -> list[str]:
        """Return the statements that make room for new ones, none of them wanted now."""
        surplus = len(self._names) + len(new) - MOST_PREPARED
        if surplus <= 0:
            return []
        texts = {text for text, _ in wanted}
        return [text for text in self._names if text not in texts][:surplus]

    def _send(self, text: str, parameters: tuple[Any, ...]) -> None:
        values = [
            None if value is None else _AS_BYTES[value.__class__](value) for value in parameters
        ]
        formats = None
        if bytes in map(type, parameters):
            formats = [_BINARY if value.__class__ is bytes else _TEXT for value in parameters]
        self._pg.send_query_prepared(self._names.get(text) or _name(text), values, formats)

    def _results(self) -> list[Any]:
        """Wait for the answers to all that was sent, without holding up other threads."""
        pg = self._pg
        found: list[Any] = []
        while pg.flush():
            select.select([pg.socket], [pg.socket], [])
            pg.consume_input()
        while True:
            while not pg.is_busy():
                result = pg.get_result()
                if result is None:
                    if pg.status != pq.ConnStatus.OK:
                        raise errors.OperationalError("the connection to the database is lost")
                    continue
                if result.status == _SYNC:
                    return found
                found.append(result)
            self._answer.poll()
            pg.consume_input()

    def _rows(self, result: Any) -> list[Any]:
        if not result.ntuples:
            return []
        self._loading.set_pgresult(result)
        rows: list[Any] = self._loading.load_rows(0, result.ntuples, tuple)
        return rows


def _name(text: str) -> bytes:
    return b"openprepay_%x" % (hash(text) & 0xFFFFFFFFFFFFFFFF)


class _Carried(dict[type, Callable[[Any], bytes]]):
    """What makes of a value the bytes that the protocol carries; the server knows its type."""

    def __missing__(self, kind: type) -> Callable[[Any], bytes]:
        """Take a choice of Django's for the text or number that it is, from now on."""
        for known in (str, int):
            if issubclass(kind, known):
                self[kind] = self[known]
                return self[known]
        raise TypeError(f"a {kind.__name__} is no value for the database")


_AS_BYTES = _Carried(
    {
        int: b"%d".__mod__,
        str: str.encode,
        bytes: bytes,
        bool: lambda value: b"t" if value else b"f",
        datetime: lambda value: value.isoformat().encode(),
        date: lambda value: value.isoformat().encode(),
        Decimal: lambda value: str(value).encode(),
        UUID: lambda value: value.hex.encode(),
    }
)
