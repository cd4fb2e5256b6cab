"""Collects what an import adds and changes and writes many rows of it at once.

Inside a batch the services do what they always do, with the same rules and audit entries. New
objects get their ids beforehand, so that others can refer to them, and uniqueness and constraints
are left to the database, which refuses all of the batch. What changes objects that are there does
so in memory, and in the database only if they are still as they were read; otherwise all of the
batch is refused too. Who opens one has to do its parts singly then: that says which was wrong.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connection, models

if TYPE_CHECKING:
    from headend.config.prepared import Ask

_PARTS = 32
_SIZES = (50, 10, 1)  # rows of one statement: few sizes, for each is planned once
T = TypeVar("T")

_here = threading.local()  # `batch`, the one that is open


class Batch:
    """New objects in the order in which they were made, not yet written.

    Args:
        parts: about so many objects of a model will be new; so many ids are taken at once.
    """

    def __init__(self, parts: int) -> None:
        self._block = parts
        self._kept: list[models.Model] = []
        self._changes: list[Ask] = []
        self._ids: dict[type[models.Model], deque[int]] = {}
        self._next: dict[type[models.Model], int] = {}  # of SQLite
        self._remembered: dict[Any, Any] = {}

    def __len__(self) -> int:
        return len(self._kept) + len(self._changes)

    def keep(self, *objects: models.Model) -> None:
        """Write these at the end."""
        self._kept += objects

    def change(self, one: models.Model, **values: Any) -> None:
        """Change the row of an object at the end, if it is then as the object says now."""
        from headend.config import writing  # which looks here for an open batch

        self._changes.append(writing.update(one, **values))

    def give_id(self, new: models.Model) -> None:
        """Give a new object the id that it will have."""
        ids = self._ids.setdefault(type(new), deque())
        if not ids:
            ids.extend(self._new_ids(type(new)))
        new.pk = ids.popleft()

    def remember(self, key: Any, find: Callable[[], T]) -> T:
        """Return what was found under a key before, or find it."""
        if key not in self._remembered:
            self._remembered[key] = find()
        found: T = self._remembered[key]
        return found

    def write(self) -> None:
        """Write what was kept: one model after the other, in the order of their first objects.

        What changes objects that are there comes after all that is new.

        Raises:
            DatabaseError: one of the objects can't be, or is not as it was; none is written.
        """
        from headend.config import prepared, writing  # which looks here for an open batch

        by_model: dict[type[models.Model], deque[models.Model]] = {}
        for each in self._kept:
            by_model.setdefault(type(each), deque()).append(each)
        asks = []
        for objects in by_model.values():
            for size in _SIZES:
                while len(objects) >= size:
                    asks.append(writing.insert(*(objects.popleft() for _ in range(size))))
        answers = prepared.run([*asks, *self._changes])
        if not all(answers[len(asks) :]):
            raise writing.RowGone("a row that was to change is not as it was read")

    def _new_ids(self, model: type[models.Model]) -> Iterator[int]:
        table = model._meta.db_table
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(
                    "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                    [f'"{table}"', self._block],
                )
                return iter([number for (number,) in cursor.fetchall()])
            if model not in self._next:  # nobody else writes until the transaction ends
                cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
                last = cursor.fetchone()
                self._next[model] = last[0] + 1 if last else 1
        first = self._next[model]
        self._next[model] += self._block
        return iter(range(first, first + self._block))


def current() -> Batch | None:
    """Return the batch that is open, if there is one."""
    return getattr(_here, "batch", None)


@contextmanager
def batch(parts: int = _PARTS) -> Iterator[Batch]:
    """Keep what is made inside, and write it at the end; after an error write nothing.

    Call it in a transaction. Inside, nothing is written at once, so savepoints are left out.

    Args:
        parts: about so many objects of a model will be new.

    Raises:
        DatabaseError: one of the objects can't be.
    """
    made = Batch(parts)
    database: Any = connection
    database.savepoint = lambda: None
    _here.batch = made
    try:
        yield made
    finally:
        _here.batch = None
        del database.savepoint
    made.write()


def save(new: models.Model) -> None:
    """Write a new object, or keep it for the end of a batch; it has its id from now on."""
    found = current()
    if found is None:
        new.save(force_insert=True)
        return
    found.give_id(new)
    found.keep(new)


def change(one: models.Model, **values: Any) -> bool:
    """Change an object that is there, if its row is as the object says; in a batch at its end.

    One that waits to be written itself is only changed in memory.

    Args:
        one: the object; it has the new values from now on.
        values: what becomes of fields, by column's name.

    Returns:
        bool: False if the row is not so any more. In a batch that is found at its end, and fails
            all of it.
    """
    found = current()
    if found is None:
        as_it_says = {name: getattr(one, name) for name in values}
        row = type(one)._default_manager.filter(pk=one.pk, **as_it_says)
        if not row.update(**values):
            return False
    elif not is_kept(one):
        found.change(one, **values)
    for name, value in values.items():
        setattr(one, name, value)
    return True


def remember(key: Any, find: Callable[[], T]) -> T:
    """Return what stays as it is for as long as a batch lasts; without one, find it now."""
    found = current()
    return find() if found is None else found.remember(key, find)


def is_kept(new: models.Model) -> bool:
    """Say whether an object waits to be written, so that changing it is enough."""
    return current() is not None and new._state.adding


def clean(new: models.Model) -> None:
    """Check a new object's fields; in a batch, what the database checks too is left to it.

    Raises:
        ValidationError: a field makes no sense.
    """
    alone = current() is None
    new.full_clean(validate_unique=alone, validate_constraints=alone)
