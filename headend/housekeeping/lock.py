"""Lets one process at a time do the chores of a database; a process that dies lets go of it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

_LOCK = 0x0C0DE5  # of PostgreSQL's advisory locks


@contextmanager
def only_one() -> Iterator[bool]:
    """Yield True to one process at a time, False to the others."""
    if connection.vendor == "postgresql":
        with _advisory_lock() as is_ours:
            yield is_ours
        return
    name = str(connection.settings_dict["NAME"])
    if "memory" in name:  # nobody else has it
        yield True
        return
    with file_lock(Path(f"{name}.housekeeping")) as is_ours:
        yield is_ours


@contextmanager
def file_lock(path: Path) -> Iterator[bool]:
    """Yield True to the one that holds a file, which stays behind empty."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


@contextmanager
def _advisory_lock() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
