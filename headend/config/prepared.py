"""Statements kept ready in the database, and models made of their rows: what a vend is fast by.

The ORM writes a query anew each time, which costs several times what running it does. Here a
statement is text, written once in `headend.config.statements`; PostgreSQL plans it once for a
connection, and several of them go there and back together. Everything else uses the ORM.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache, partial
from itertools import count
from typing import Any, NamedTuple

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, IntegrityError, connections
from django.db.models import AutoField, CharField, JSONField, Model
from django.db.models.expressions import Col

from headend.config import batches

_MODEL = re.compile(r"\{(?:(\w+)\.(\w+)=)?(\w+):(\w+\.\w+)\}")
_ONLY_POSTGRESQL = re.compile(r"\s*FOR UPDATE\b[^)]*")  # SQLite's transaction is the lock

_FRESH_S = 1.0

Row = tuple[Any, ...]


class Statement:
    """One statement, as `headend.config.statements` lists them.

    Args:
        text: SQL that PostgreSQL and SQLite both take, with %s for what changes. `{a:app.Model}`
            stands for all columns of a table known as `a`; `{a.field=b:app.Model}` for those of
            another one, whose object becomes `field` of a's.
        sqlite: where SQLite needs other words.
    """

    def __init__(self, text: str, *, sqlite: str = "") -> None:
        self._text = text
        self._sqlite = sqlite or _ONLY_POSTGRESQL.sub("", text)

    def __repr__(self) -> str:
        return " ".join(self._text.split())[:80]

    @property
    def models(self) -> list[tuple[str, str, str, str]]:
        """What its columns make: (owner's alias, field of the owner, alias, model)."""
        return _MODEL.findall(self._text)


class Ask(NamedTuple):
    """A statement with what is asked for."""

    statement: Statement
    parameters: tuple[Any, ...]


def rows(statement: Statement, *parameters: Any) -> list[Row]:
    """Run a statement, unless it was asked `ahead`, and return its rows."""
    asked = getattr(_here, "answers", None)
    if asked:
        answer = asked.pop((statement, parameters), None)
        if answer is not None:
            return list(answer)
    return run([Ask(statement, parameters)])[0]


def every(statement: Statement, *parameters: Any) -> list[Any]:
    """Run a statement and return the objects that its rows make."""
    makes = _makes(statement, connections[DEFAULT_DB_ALIAS].vendor)
    return [makes(row) for row in rows(statement, *parameters)]


def first(statement: Statement, *parameters: Any) -> Any:
    """Run a statement and return the object that its first row makes, or None."""
    found = rows(statement, *parameters)
    if not found:
        return None
    return _makes(statement, connections[DEFAULT_DB_ALIAS].vendor)(found[0])


@contextmanager
def ahead(*asks: tuple[Any, ...]) -> Iterator[None]:
    """Run several statements together; inside, `rows` and its like have their answers at once.

    Args:
        asks: statements with their parameters. They run in this order; each sees what others
            have committed by then.
    """
    before = getattr(_here, "answers", None)
    ordered = [Ask(statement, tuple(parameters)) for statement, *parameters in asks]
    _here.answers = dict(zip(ordered, run(ordered), strict=True)) | (before or {})
    try:
        yield
    finally:
        _here.answers = before


def run(asks: Sequence[Ask]) -> list[list[Row]]:
    """Run statements in order, on PostgreSQL in one round trip, and return the rows of each.

    Everything that goes to the database from here goes through this function.

    Raises:
        DatabaseError: of Django's kinds; the first statement that failed ends it.
    """
    database: Any = connections[DEFAULT_DB_ALIAS]
    _make_sure(database)
    with database.wrap_database_errors:
        if database.vendor == "postgresql":
            return _on_postgresql(database.connection, asks)
        return [_on_sqlite(database, *ask) for ask in asks]


def save(*objects: Model, unless_there: bool = False) -> None:
    """Write new objects of one model: by the ORM, or with what else is written.

    That is while `gathering`, or in a batch of `headend.config.batches`.

    Args:
        objects: what is new.
        unless_there: leave out those of which there is one already.
    """
    queue = getattr(_here, "gathered", None)
    batch = None if unless_there else batches.current()
    if queue is not None:
        queue.append((insert(*objects, unless_there=unless_there), False))
    elif batch is not None:
        batch.keep(*objects)
    elif len(objects) == 1 and not unless_there:
        objects[0].save(force_insert=True)
    else:
        manager = type(objects[0])._default_manager
        manager.bulk_create(objects, ignore_conflicts=unless_there)


def change(statement: Statement, *parameters: Any) -> None:
    """Run a statement that changes a row, `gathering` with what else is written.

    Raises:
        RowGone: there is no such row, now or when what was gathered is written.
    """
    queue = getattr(_here, "gathered", None)
    if queue is not None:
        queue.append((Ask(statement, parameters), True))
    elif not rows(statement, *parameters):
        raise RowGone(f"nothing was changed by {statement!r}")


def is_gathering() -> bool:
    """Say whether what is saved now is kept and written together."""
    return getattr(_here, "gathered", None) is not None


@contextmanager
def gathering() -> Iterator[None]:
    """Keep what is saved and changed inside, and write it together at the end.

    Inside, nothing of it can be read back; an object that others refer to needs its id before.
    """
    queue: list[tuple[Ask, bool]] = []
    _here.gathered = queue
    try:
        yield
    finally:
        _here.gathered = None
    if not queue:
        return
    for (ask, changes), answer in zip(queue, run([ask for ask, _ in queue]), strict=True):
        if changes and not answer:
            raise RowGone(f"nothing was changed by {ask.statement!r}")


class RowGone(IntegrityError):
    """A row that a sale relies on is not as it was read under lock."""


def insert(*objects: Model, unless_there: bool = False) -> Ask:
    """Return what writes new objects of one model, for `run`; an id that is None is given."""
    vendor = connections[DEFAULT_DB_ALIAS].vendor
    columns, statement = _insert(
        type(objects[0]), vendor, len(objects), objects[0].pk is None, unless_there
    )
    parameters = []
    for each in objects:
        held = each.__dict__
        for name, written in columns:
            value = held[name]
            parameters.append(value if written is None or value is None else written(value))
    return Ask(statement, tuple(parameters))


_here = threading.local()  # `answers` asked ahead, and what is `gathered`


def _make_sure(database: Any) -> None:
    """Have a connection; one that answered a moment ago need not be asked whether it is alive."""
    now = time.monotonic()
    if now - getattr(database, "openprepay_answered", 0.0) < _FRESH_S:
        database.health_check_done = True
    database.close_if_health_check_failed()
    database.ensure_connection()
    database.openprepay_answered = now


def _on_postgresql(raw: Any, asks: Sequence[Ask]) -> list[list[Row]]:
    pipeline = getattr(raw, "openprepay_pipeline", None)
    if pipeline is None:
        from headend.config.pipeline import Pipeline  # only where PostgreSQL is used

        pipeline = raw.openprepay_pipeline = Pipeline(raw)
    found: list[list[Row]] = pipeline.run(
        [(_text(statement, "postgresql"), parameters) for statement, parameters in asks]
    )
    return found


def _on_sqlite(database: Any, statement: Statement, parameters: tuple[Any, ...]) -> list[Row]:
    adapted = [
        database.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
        for value in parameters
    ]
    found: list[Row] = database.connection.execute(_text(statement, "sqlite"), adapted).fetchall()
    return found


@cache
def _text(statement: Statement, vendor: str) -> str:
    def columns(found: re.Match[str]) -> str:
        alias, label = found[3], found[4]
        names = (field.column for field in apps.get_model(label)._meta.concrete_fields)
        return ", ".join(f'{alias}."{name}"' for name in names)

    if vendor == "postgresql":
        number = count(1)
        return re.sub("%s", lambda _: f"${next(number)}", _MODEL.sub(columns, statement._text))
    return _MODEL.sub(columns, statement._sqlite).replace("%s", "?")


@cache
def _makes(statement: Statement, vendor: str) -> Callable[[Row], Any]:
    """Return what makes objects of a statement's rows."""
    database = connections[DEFAULT_DB_ALIAS]
    parts = []
    start = 0
    for owner, field, alias, label in statement.models:
        model: Any = apps.get_model(label)
        names = [each.attname for each in model._meta.concrete_fields]
        stop = start + len(names)
        parts.append((owner, field, alias, model, names, slice(start, stop), _converters(model)))
        start = stop

    def make(row: Row) -> Any:
        made: dict[str, Any] = {}
        for owner, field, alias, model, names, place, converters in parts:
            values = list(row[place])
            for index, converter, expression in converters:
                values[index] = converter(values[index], expression, database)
            is_there = values[0] is not None
            made[alias] = model.from_db(DEFAULT_DB_ALIAS, names, values) if is_there else None
            if owner and made[owner] is not None:
                parent = made[owner]
                parent._meta.get_field(field).set_cached_value(parent, made[alias])
        return made[parts[0][2]]

    return make


def _converters(model: Any) -> list[tuple[int, Any, Any]]:
    """Return what the ORM would do with the columns of a row, by place."""
    found = []
    for index, field in enumerate(model._meta.concrete_fields):
        expression = Col(model._meta.db_table, field)
        database = connections[DEFAULT_DB_ALIAS]
        for converter in (
            *database.ops.get_db_converters(expression),
            *expression.get_db_converters(database),
        ):
            found.append((index, converter, expression))
    return found


@cache
def _insert(
    model: Any, vendor: str, count: int, gives_id: bool, unless_there: bool
) -> tuple[list[tuple[str, Any]], Statement]:
    """Return name and manner of writing of each column, and the statement."""
    fields = [
        field
        for field in model._meta.concrete_fields
        if not (gives_id and isinstance(field, AutoField))
    ]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    values = ", ".join([f"({places})"] * count)
    ending = " ON CONFLICT DO NOTHING" if unless_there else ""
    table = model._meta.db_table
    # S608: every name is a model's own, every value a parameter.
    text = f'INSERT INTO "{table}" ({columns}) VALUES {values}{ending}'  # noqa: S608
    statement = Statement(text)
    return [(field.attname, _written(field, vendor)) for field in fields], statement


def _written(field: Any, vendor: str) -> Callable[[Any], Any] | None:
    """Return what makes of a field's value what the driver takes; None: it takes the value."""
    if vendor == "postgresql":
        if isinstance(field, JSONField):
            return partial(json.dumps, cls=field.encoder)
        return str if isinstance(field, CharField) else None
    database = connections[DEFAULT_DB_ALIAS]
    return lambda value: field.get_db_prep_save(value, connection=database)
