"""Runs prepared statements and makes models of their rows; this is what makes a vend fast.

The ORM writes a query anew each time, which costs several times what running it does. Here a
statement is text, written once in `headend.config.statements`; PostgreSQL plans it once for a
connection, and several of them go there and back together. Everything else uses the ORM.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache, cached_property, lru_cache
from itertools import chain, count, islice
from typing import Any, NamedTuple

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models.base import ModelState
from django.db.models.expressions import Col

from headend.config import terms

_MODEL = re.compile(r"\{(?:(\w+)\.(\w+)=)?(\w+):(\w+\.\w+)\}")
_ONLY_POSTGRESQL = re.compile(r"\s*FOR UPDATE\b[^)]*")  # SQLite's transaction is the lock

_FRESH_S = 1.0
_MOST_KEPT = 4096  # rows of one statement

Row = tuple[Any, ...]


class Statement:
    """One statement, as `headend.config.statements` lists them.

    Args:
        text: SQL that PostgreSQL and SQLite both take, with %s for what changes. `{a:app.Model}`
            stands for all columns of a table known as `a`; `{a.field=b:app.Model}` for those of
            another one, whose object becomes `field` of a's.
        sqlite: where SQLite needs other words.
        keeps: it reads nothing but terms of sale, see `terms`: where those are relied on, its
            answers are kept. What was made of a row is kept too: the same row gives new objects
            with the same values; nothing a value holds (a document) may be changed in place.
        also: names under which the first model's object has the columns after all models'.
        facts: it is one row of so many values without a table of their own, each a subselect.
            What is asked `ahead` of such statements together is one statement.
    """

    def __init__(
        self,
        text: str,
        *,
        sqlite: str = "",
        keeps: bool = False,
        also: tuple[str, ...] = (),
        facts: int = 0,
    ) -> None:
        self.raw = text
        self._sqlite = sqlite or _ONLY_POSTGRESQL.sub("", text)
        self.keeps = keeps
        self.also = also
        self.facts = facts

    def __repr__(self) -> str:
        return " ".join(self.raw.split())[:80]

    @cached_property
    def text(self) -> str:
        """Its words as the database's driver takes them."""
        if vendor() == "postgresql":
            number = count(1)
            text = _MODEL.sub(_columns_of, self.raw)
            return re.sub("%s", lambda _: f"${next(number)}", text)
        return _MODEL.sub(_columns_of, self._sqlite).replace("%s", "?")

    @property
    def models(self) -> list[tuple[str, str, str, str]]:
        """What its columns make: (owner's alias, field of the owner, alias, model)."""
        return _MODEL.findall(self.raw)


class Ask(NamedTuple):
    """A statement with what is asked for."""

    statement: Statement
    parameters: tuple[Any, ...]


def rows(statement: Statement, *parameters: Any) -> list[Row]:
    """Run a statement, unless it was asked `ahead` or its answer is kept, and return its rows."""
    ask = Ask(statement, parameters)
    asked = getattr(_here, "answers", None)
    if asked:
        answer = asked.pop(ask, None)
        if answer is not None:
            return list(answer)
    return list(_answers([ask])[ask])


def every(statement: Statement, *parameters: Any) -> list[Any]:
    """Run a statement and return the objects that its rows make."""
    makes = _makes(statement)
    return [makes(row) for row in rows(statement, *parameters)]


def first(statement: Statement, *parameters: Any) -> Any:
    """Run a statement and return the object that its first row makes, or None."""
    found = rows(statement, *parameters)
    return _makes(statement)(found[0]) if found else None


@contextmanager
def ahead(*asks: tuple[Any, ...]) -> Iterator[None]:
    """Run several statements together; inside, `rows` and its like have their answers at once.

    Args:
        asks: statements with their parameters. They run in this order; each sees what others
            have committed by then. Those that were asked ahead already are not run again.
    """
    before = getattr(_here, "answers", None) or {}
    wanted = [Ask(statement, tuple(parameters)) for statement, *parameters in asks]
    missing = [ask for ask in wanted if ask not in before]
    _here.answers = before | (_answers(missing) if missing else {})
    try:
        yield
    finally:
        _here.answers = before


def _answers(asks: list[Ask]) -> dict[Ask, list[Row]]:
    """Return the rows of each statement, of the terms of sale those that are kept."""
    answers: dict[Ask, list[Row]] = {}
    missing = []
    for ask in asks:
        answer = terms.kept(ask) if ask.statement.keeps else None
        if answer is None:
            missing.append(ask)
        else:
            answers[ask] = answer
    for ask, answer in (_asked(missing) if missing else {}).items():
        answers[ask] = answer
        if ask.statement.keeps:
            terms.keep(ask, answer)
    return answers


def _asked(asks: list[Ask]) -> dict[Ask, list[Row]]:
    """Run statements and return the rows of each; those that are facts run as one."""
    facts = [ask for ask in asks if ask.statement.facts]
    if len(facts) < 2:
        return dict(zip(asks, _run_on_terms(asks), strict=True))
    others = [ask for ask in asks if not ask.statement.facts]
    parameters = tuple(chain.from_iterable(ask.parameters for ask in facts))
    together = Ask(_together(*(ask.statement for ask in facts)), parameters)
    *found, [row] = _run_on_terms([*others, together])
    answers = dict(zip(others, found, strict=True))
    values = iter(row)
    for ask in facts:
        answers[ask] = [tuple(islice(values, ask.statement.facts))]
    return answers


def _run_on_terms(asks: list[Ask]) -> list[list[Row]]:
    """Run statements; whoever relies on terms of sale asks first whether they are in force."""
    question = terms.question()
    if question is None:
        return run(asks)
    edition, *found = run([question, *asks])
    terms.confirm(edition[0][0] if edition else None)
    return found


@cache
def _together(*facts: Statement) -> Statement:
    """Return one statement of several, each a row of subselects."""
    text = ", ".join(one.raw.split(maxsplit=1)[1] for one in facts)
    sqlite = ", ".join(one._sqlite.split(maxsplit=1)[1] for one in facts)
    return Statement(f"SELECT {text}", sqlite=f"SELECT {sqlite}")


def run(
    asks: Sequence[Ask], *, commits: bool = False, then: Sequence[Ask] = ()
) -> list[list[Row]]:
    """Run statements in order, on PostgreSQL in one round trip, and return the rows of each.

    Everything that goes to the database from here goes through this function.

    Args:
        asks: what to run.
        commits: PostgreSQL: commit with them; the transaction's own end then finds it done.
        then: PostgreSQL: what is run after that, in the same trip.

    Raises:
        DatabaseError: of Django's kinds; the first statement that failed ends it.
    """
    database: Any = connections[DEFAULT_DB_ALIAS]
    _make_sure(database)
    with database.wrap_database_errors:
        if database.vendor == "postgresql":
            return _on_postgresql(database.connection, asks, commits=commits, then=then)
        return [_on_sqlite(database, *ask) for ask in asks]


_here = threading.local()  # `answers` asked ahead


def _make_sure(database: Any) -> None:
    """Have a connection; one that answered a moment ago need not be asked whether it is alive."""
    now = time.monotonic()
    is_fresh = now - getattr(database, "openprepay_answered", 0.0) < _FRESH_S
    database.openprepay_answered = now
    if is_fresh and database.connection is not None:
        database.health_check_done = True
        return
    database.close_if_health_check_failed()
    database.ensure_connection()


def _on_postgresql(
    raw: Any, asks: Sequence[Ask], *, commits: bool, then: Sequence[Ask]
) -> list[list[Row]]:
    pipeline = getattr(raw, "openprepay_pipeline", None)
    if pipeline is None:
        from headend.config.pipeline import Pipeline  # only where PostgreSQL is used

        pipeline = raw.openprepay_pipeline = Pipeline(raw)
    found: list[list[Row]] = pipeline.run(
        [(ask.statement.text, ask.parameters) for ask in asks],
        commits=commits,
        then=[(ask.statement.text, ask.parameters) for ask in then],
    )
    return found


def _on_sqlite(database: Any, statement: Statement, parameters: tuple[Any, ...]) -> list[Row]:
    adapted = [
        database.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
        for value in parameters
    ]
    found: list[Row] = database.connection.execute(statement.text, adapted).fetchall()
    return found


def _columns_of(found: re.Match[str]) -> str:
    alias, label = found[3], found[4]
    names = (field.column for field in apps.get_model(label)._meta.concrete_fields)
    return ", ".join(f'{alias}."{name}"' for name in names)


@cache
def vendor() -> str:
    """Return which database it is; that does not change while the program runs."""
    found: str = connections[DEFAULT_DB_ALIAS].vendor
    return found


@cache
def _makes(statement: Statement) -> Callable[[Row], Any]:
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

    def read(row: Row) -> list[dict[str, Any] | None]:
        found: list[dict[str, Any] | None] = []
        for _, _, _, _, names, place, converters in parts:
            values = list(row[place])
            for index, converter, expression in converters:
                values[index] = converter(values[index], expression, database)
            found.append(None if values[0] is None else dict(zip(names, values, strict=True)))
        return found

    values_of = lru_cache(_MOST_KEPT)(read) if statement.keeps else read

    def make(row: Row) -> Any:
        made: dict[str, Any] = {}
        for (owner, field, alias, model, *_), values in zip(parts, values_of(row), strict=True):
            made[alias] = None if values is None else _stored(model, values)
            if owner and made[owner] is not None:
                made[owner]._state.fields_cache[field] = made[alias]
        main = made[parts[0][2]]
        main.__dict__.update(zip(statement.also, row[start:], strict=True))
        return main

    return make


def _stored(model: Any, values: dict[str, Any]) -> Any:
    """Return an object as it is stored, without what making one asks that may be anything."""
    one = model.__new__(model)
    one.__dict__.update(values)
    one._state = ModelState()
    one._state.adding, one._state.db = False, DEFAULT_DB_ALIAS
    return one


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
