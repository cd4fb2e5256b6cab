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
from functools import cache, cached_property, lru_cache
from itertools import chain, count, islice
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, DataError, IntegrityError, connections
from django.db.models import AutoField, CharField, JSONField, Model
from django.db.models.base import ModelState
from django.db.models.expressions import Col

from headend.config import batches

_MODEL = re.compile(r"\{(?:(\w+)\.(\w+)=)?(\w+):(\w+\.\w+)\}")
_ONLY_POSTGRESQL = re.compile(r"\s*FOR UPDATE\b[^)]*")  # SQLite's transaction is the lock

_DIVISION_BY_ZERO = "22012"
_FRESH_S = 1.0
_MOST_KEPT = 4096  # objects of one statement

Row = tuple[Any, ...]
_Made = TypeVar("_Made", bound=Model)


class Statement:
    """One statement, as `headend.config.statements` lists them.

    Args:
        text: SQL that PostgreSQL and SQLite both take, with %s for what changes. `{a:app.Model}`
            stands for all columns of a table known as `a`; `{a.field=b:app.Model}` for those of
            another one, whose object becomes `field` of a's.
        sqlite: where SQLite needs other words.
        keeps: a row that was read before gives the very objects that were made of it then. For
            what is read much more often than it changes, and is never changed in place.
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
        self._text = text
        self._sqlite = sqlite or _ONLY_POSTGRESQL.sub("", text)
        self.keeps = keeps
        self.also = also
        self.facts = facts

    def __repr__(self) -> str:
        return " ".join(self._text.split())[:80]

    @cached_property
    def text(self) -> str:
        """Its words as the database's driver takes them."""
        if _vendor() == "postgresql":
            number = count(1)
            text = _MODEL.sub(_columns_of, self._text)
            return re.sub("%s", lambda _: f"${next(number)}", text)
        return _MODEL.sub(_columns_of, self._sqlite).replace("%s", "?")

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
    """Return the rows of each statement; of those that are facts all in one row."""
    facts = [ask for ask in asks if ask.statement.facts]
    if len(facts) < 2:
        return dict(zip(asks, run(asks), strict=True))
    others = [ask for ask in asks if not ask.statement.facts]
    parameters = tuple(chain.from_iterable(ask.parameters for ask in facts))
    together = Ask(_together(*(ask.statement for ask in facts)), parameters)
    *found, [row] = run([*others, together])
    answers = dict(zip(others, found, strict=True))
    values = iter(row)
    for ask in facts:
        answers[ask] = [tuple(islice(values, ask.statement.facts))]
    return answers


@cache
def _together(*facts: Statement) -> Statement:
    """Return one statement of several, each a row of subselects."""
    text = ", ".join(one._text.split(maxsplit=1)[1] for one in facts)
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


def new(model: type[_Made], /, **values: Any) -> _Made:
    """Return a new object to `save`, as model(**values) does, at a fraction of its cost.

    Args:
        model: which.
        values: of fields, by name; of a foreign key the object, or its id as "name_id".

    Raises:
        TypeError: the model has no such field.
    """
    constants, made, keys, names = _defaults(model)
    if not values.keys() <= names:
        raise TypeError(f"{model.__name__} has no fields {values.keys() - names}")
    one = model.__new__(model)
    one._state = ModelState()
    held = one.__dict__
    held.update(constants)
    for name, default in made:
        if name not in values:
            held[name] = default()
    for name in values.keys() & keys.keys():
        owner = values.pop(name)
        held[keys[name]] = None if owner is None else owner.pk
        one._state.fields_cache[name] = owner
    if "pk" in values:
        held[model._meta.pk.attname] = values.pop("pk")
    held.update(values)
    return one


def save(*objects: Model, unless_there: bool = False) -> None:
    """Write new objects of one model: by the ORM, or with what else is written.

    That is while `gathering`, or in a batch of `headend.config.batches`.

    Args:
        objects: what is new.
        unless_there: leave out those of which there is one already.
    """
    gathered = _gathered()
    batch = None if unless_there else batches.current()
    if gathered is not None:
        gathered.add(objects, unless_there=unless_there)
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
    gathered = _gathered()
    if gathered is not None:
        gathered.changes.append(Ask(statement, parameters))
    elif not rows(statement, *parameters):
        raise RowGone(f"nothing was changed by {statement!r}")


def is_gathering() -> bool:
    """Say whether what is saved now is kept and written together."""
    return _gathered() is not None


def after_commit(statement: Statement) -> bool:
    """Have a statement run right after the commit, if what is gathered now ends with one.

    Returns:
        False if it does not; the caller has to see to it otherwise.
    """
    gathered = _gathered()
    if gathered is None or not gathered.commits:
        return False
    ask = Ask(statement, ())
    if ask not in gathered.then:
        gathered.then.append(ask)
    return True


@contextmanager
def gathering(*, ends_transaction: bool = False) -> Iterator[None]:
    """Keep what is saved and changed inside, and write it together at the end.

    Inside, nothing of it can be read back; an object that others refer to needs its id before.

    Args:
        ends_transaction: nothing else happens in the transaction afterwards. Then, unless it is
            part of a larger one, PostgreSQL commits in the same trip.

    Raises:
        NestedGathering: something is being gathered already.
    """
    if is_gathering():
        raise NestedGathering("what is written is being gathered already")
    database = connections[DEFAULT_DB_ALIAS]
    commits = (
        ends_transaction and database.vendor == "postgresql" and len(database.atomic_blocks) == 1
    )
    gathered = _here.gathered = _Gathered(commits)
    try:
        yield
    finally:
        _here.gathered = None
    gathered.write()


class NestedGathering(RuntimeError):
    """A gathering within another would write before its time."""


class RowGone(IntegrityError):
    """A row that a sale relies on is not as it was read under lock."""


def insert(*objects: Model, unless_there: bool = False) -> Ask:
    """Return what writes new objects of one model, for `run`; an id that is None is given."""
    gathered = _Gathered(commits=False)
    gathered.add(objects, unless_there=unless_there)
    (ask,) = gathered.inserts()
    return ask


class _Rows(NamedTuple):
    """New rows of one model that one statement writes."""

    model: type[Model]
    gives_id: bool
    unless_there: bool


class _Gathered:
    """What is written together, and whether its end is that of the transaction."""

    def __init__(self, commits: bool) -> None:
        self.commits = commits
        self.changes: list[Ask] = []
        self.then: list[Ask] = []
        self._rows: dict[_Rows, list[list[Any]]] = {}

    def add(self, objects: Sequence[Model], *, unless_there: bool) -> None:
        """Add new objects of one model, as they are now."""
        rows = _Rows(type(objects[0]), objects[0].pk is None, unless_there)
        values, written = _columns(rows.model, _vendor(), rows.gives_id)
        written_rows = self._rows.setdefault(rows, [])
        for each in objects:
            row = list(values(each.__dict__))
            for index, manner in written:
                if row[index] is not None:
                    row[index] = manner(row[index])
            written_rows.append(row)

    def inserts(self) -> list[Ask]:
        """Return the statements that write the new rows, by model in the order of the first."""
        return [
            Ask(_insert(*rows, len(objects)), tuple(chain.from_iterable(objects)))
            for rows, objects in self._rows.items()
        ]

    def write(self) -> None:
        inserts = self.inserts()
        if not self.commits:
            answers = run([*self.changes, *inserts])
            for ask, answer in zip(self.changes, answers, strict=False):
                if not answer:
                    raise RowGone(f"nothing was changed by {ask.statement!r}")
            return
        # Whoever commits in the same trip can't look at the answers first.
        changes = [Ask(_or_fails(ask.statement), ask.parameters) for ask in self.changes]
        try:
            run([*changes, *inserts], commits=True, then=self.then)
        except DataError as error:
            if getattr(error.__cause__, "sqlstate", None) == _DIVISION_BY_ZERO:
                raise RowGone("a row that was to change is not there") from error
            raise


@cache
def _or_fails(statement: Statement) -> Statement:
    """Return a statement that fails, for PostgreSQL, where this one changes nothing."""
    # S608: the text is one of `headend.config.statements`.
    return Statement(f"WITH done AS ({statement._text}) SELECT 1 / count(*) FROM done")  # noqa: S608


def _gathered() -> _Gathered | None:
    return getattr(_here, "gathered", None)


_here = threading.local()  # `answers` asked ahead, and what is `gathered`


def _make_sure(database: Any) -> None:
    """Have a connection; one that answered a moment ago need not be asked whether it is alive."""
    now = time.monotonic()
    if now - getattr(database, "openprepay_answered", 0.0) < _FRESH_S:
        database.health_check_done = True
    database.close_if_health_check_failed()
    database.ensure_connection()
    database.openprepay_answered = now


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
def _vendor() -> str:
    """Return which database it is; that does not change while the program runs."""
    vendor: str = connections[DEFAULT_DB_ALIAS].vendor
    return vendor


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

    def make(row: Row) -> Any:
        made: dict[str, Any] = {}
        for owner, field, alias, model, names, place, converters in parts:
            values = list(row[place])
            for index, converter, expression in converters:
                values[index] = converter(values[index], expression, database)
            made[alias] = None if values[0] is None else _stored(model, names, values)
            if owner and made[owner] is not None:
                made[owner]._state.fields_cache[field] = made[alias]
        main = made[parts[0][2]]
        main.__dict__.update(zip(statement.also, row[start:], strict=True))
        return main

    return lru_cache(_MOST_KEPT)(make) if statement.keeps else make


def _stored(model: Any, names: list[str], values: list[Any]) -> Any:
    """Return an object as it is stored, without what making one asks that may be anything."""
    one = model.__new__(model)
    one.__dict__.update(zip(names, values, strict=True))
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


@cache
def _defaults(
    model: type[Model],
) -> tuple[dict[str, Any], list[tuple[str, Any]], dict[str, str], frozenset[str]]:
    """Return of a model's fields: constant defaults, made ones, foreign keys, what may be told."""
    fields: list[Any] = list(model._meta.concrete_fields)
    made = [
        (each.attname, each.default)
        for each in fields
        if each.has_default() and callable(each.default)
    ]
    calculated = {name for name, _ in made}
    constants = {
        each.attname: each.get_default() for each in fields if each.attname not in calculated
    }
    keys = {each.name: each.attname for each in fields if each.is_relation}
    names = {each.attname for each in fields} | keys.keys() | {"pk"}
    return constants, made, keys, frozenset(names)


@cache
def _columns(
    model: type[Model], vendor: str, gives_id: bool
) -> tuple[Callable[[dict[str, Any]], tuple[Any, ...]], list[tuple[int, Any]]]:
    """Return what takes an object's values, and which of them are written in a manner."""
    fields = _inserted(model, gives_id)
    manners = [(index, _written(field, vendor)) for index, field in enumerate(fields)]
    written = [(index, manner) for index, manner in manners if manner is not None]
    return itemgetter(*(field.attname for field in fields)), written


@cache
def _insert(model: type[Model], gives_id: bool, unless_there: bool, count: int) -> Statement:
    """Return the statement that writes so many rows."""
    fields = _inserted(model, gives_id)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    values = ", ".join([f"({places})"] * count)
    ending = " ON CONFLICT DO NOTHING" if unless_there else ""
    table = model._meta.db_table
    # S608: every name is a model's own, every value a parameter.
    return Statement(f'INSERT INTO "{table}" ({columns}) VALUES {values}{ending}')  # noqa: S608


def _inserted(model: type[Model], gives_id: bool) -> list[Any]:
    fields: list[Any] = list(model._meta.concrete_fields)
    return [field for field in fields if not (gives_id and isinstance(field, AutoField))]


def _written(field: Any, vendor: str) -> Callable[[Any], Any] | None:
    """Return what makes of a field's value what the driver takes; None: it takes the value."""
    if vendor == "postgresql":
        if isinstance(field, JSONField):
            return (field.encoder or json.JSONEncoder)().encode
        return str if isinstance(field, CharField) else None
    database = connections[DEFAULT_DB_ALIAS]
    return lambda value: field.get_db_prep_save(value, connection=database)
