"""New rows, written together with what else changes: the other half of `headend.config.prepared`.

Outside of a gathering and of a batch, everything here is the ORM's own way.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, DataError, IntegrityError, connections
from django.db.models import (
    AutoField,
    BooleanField,
    CharField,
    IntegerField,
    JSONField,
    Model,
)
from django.db.models.base import ModelState

from headend.config import batches, prepared
from headend.config.prepared import Ask, Statement

_Made = TypeVar("_Made", bound=Model)
_MOST_MIXTURES = 1024  # of rows and changes, each a statement
_DIVISION_BY_ZERO = "22012"  # PostgreSQL's code of it


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
        column, owners_key = keys[name]
        held[column] = None if owner is None else getattr(owner, owners_key)
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
    elif not prepared.rows(statement, *parameters):
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


def update(one: Model, **values: Any) -> Ask:
    """Return what changes fields of a row that are still as an object says, for `run`.

    Args:
        one: the object, as it is before.
        values: what the fields become, by column's name.

    Returns:
        Ask: it gives one row; none if the row is not as the object says.
    """
    statement, manners = _update(type(one), tuple(values), prepared.vendor())
    written = list(zip(manners, values.items(), strict=True))
    after = [_as_written(manner, value) for manner, (_, value) in written]
    before = [_as_written(manner, getattr(one, name)) for manner, (name, _) in written]
    return Ask(statement, (*after, one.pk, *before))


@cache
def _update(
    model: type[Model], names: tuple[str, ...], vendor: str
) -> tuple[Statement, list[Callable[[Any], Any] | None]]:
    fields = {field.attname: field for field in model._meta.concrete_fields}
    changed: list[Any] = [fields[name] for name in names]
    table = model._meta.db_table
    values = ", ".join(f'"{field.column}" = %s' for field in changed)
    checks = " AND ".join(f'"{field.column}" IS NOT DISTINCT FROM %s' for field in changed)
    # S608: every name is a model's own, every value a parameter.
    text = f'UPDATE "{table}" SET {values} WHERE id = %s AND {checks} RETURNING id'  # noqa: S608
    sqlite = text.replace("IS NOT DISTINCT FROM", "IS")
    return Statement(text, sqlite=sqlite), [_written(field, vendor) for field in changed]


def _as_written(manner: Callable[[Any], Any] | None, value: Any) -> Any:
    return value if manner is None or value is None else manner(value)


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
        values, written = _columns(rows.model, prepared.vendor(), rows.gives_id)
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
            Ask(_insert(rows, len(values)), tuple(chain.from_iterable(values)))
            for rows, values in self._rows.items()
        ]

    def write(self) -> None:
        if prepared.vendor() == "postgresql":
            self._write_in_few()
            return
        answers = prepared.run([*self.changes, *self.inserts()])
        for ask, answer in zip(self.changes, answers, strict=False):
            if not answer:
                raise RowGone(f"nothing was changed by {ask.statement!r}")

    def _write_in_few(self) -> None:
        """Write everything with two statements: sending one costs more than most rows do.

        What is one row of its model comes second, so that the mixtures of numbers of rows, each
        a statement, are those of the first only.
        """
        several = [each for each in self._rows.items() if len(each[1]) > 1]
        single = [each for each in self._rows.items() if len(each[1]) == 1]
        *alone, changes = _apart(self.changes)
        asks = [_in_one(some, []) for some in alone]
        asks += [_in_one(changes, several)] if changes or several else []
        asks += [_in_one([], single)] if single else []
        try:
            prepared.run(asks, commits=self.commits, then=self.then)
        except DataError as error:
            # Whoever commits in the same trip can't look first whether a row was changed.
            if getattr(error.__cause__, "sqlstate", None) == _DIVISION_BY_ZERO:
                raise RowGone("a row that was to change is not there") from error
            raise


def _gathered() -> _Gathered | None:
    return getattr(_here, "gathered", None)


_here = threading.local()  # what is `gathered`


@cache
def _defaults(
    model: type[Model],
) -> tuple[dict[str, Any], list[tuple[str, Any]], dict[str, tuple[str, str]], frozenset[str]]:
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
    keys = {
        each.name: (each.attname, each.target_field.attname) for each in fields if each.is_relation
    }
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


def _apart(changes: list[Ask]) -> list[list[Ask]]:
    """Return changes in the groups that can be one statement: none has two of a kind.

    Two of a kind may mean the same row, which one statement changes once only.
    """
    groups: list[list[Ask]] = [[]]
    for ask in changes:
        if any(ask.statement is other.statement for other in groups[-1]):
            groups.append([])
        groups[-1].append(ask)
    return groups


def _in_one(changes: list[Ask], rows: list[tuple[_Rows, list[list[Any]]]]) -> Ask:
    """Return what makes changes and writes rows at once; it fails if one changes nothing."""
    statement = _together(
        tuple(ask.statement for ask in changes), tuple((one, len(values)) for one, values in rows)
    )
    values = chain.from_iterable(value for _, some in rows for value in some)
    parameters = chain.from_iterable(ask.parameters for ask in changes)
    return Ask(statement, (*parameters, *values))


@lru_cache(_MOST_MIXTURES)
def _together(changes: tuple[Statement, ...], rows: tuple[tuple[_Rows, int], ...]) -> Statement:
    """Return one statement for PostgreSQL; it divides by zero where a change gives no row."""
    texts = [*(one.raw for one in changes), *(_insert(one, count).raw for one, count in rows)]
    if not changes and len(texts) == 1:
        return Statement(texts[0])
    named = ", ".join(f"part{number} AS ({text})" for number, text in enumerate(texts))
    # S608: every text is a statement of ours.
    checks = [f"1 / (SELECT count(*) FROM part{each})" for each in range(len(changes))]  # noqa: S608
    return Statement(f"WITH {named} SELECT {', '.join(checks) or '1'}")


@lru_cache(_MOST_MIXTURES)
def _insert(rows: _Rows, count: int) -> Statement:
    """Return the statement that writes so many rows."""
    fields = _inserted(rows.model, rows.gives_id)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    values = ", ".join([f"({places})"] * count)
    ending = " ON CONFLICT DO NOTHING" if rows.unless_there else ""
    table = rows.model._meta.db_table
    # S608: every name is a model's own, every value a parameter.
    return Statement(f'INSERT INTO "{table}" ({columns}) VALUES {values}{ending}')  # noqa: S608


def _inserted(model: type[Model], gives_id: bool) -> list[Any]:
    fields: list[Any] = list(model._meta.concrete_fields)
    return [field for field in fields if not (gives_id and isinstance(field, AutoField))]


def _written(field: Any, vendor: str) -> Callable[[Any], Any] | None:
    """Return what makes of a field's value what the driver takes; None: it takes the value."""
    while field.is_relation:
        field = field.target_field
    if isinstance(field, BooleanField | IntegerField):
        return None
    if vendor == "postgresql":
        if isinstance(field, JSONField):
            return (field.encoder or json.JSONEncoder)().encode
        return None
    if isinstance(field, CharField):
        return str
    database = connections[DEFAULT_DB_ALIAS]
    return lambda value: field.get_db_prep_save(value, connection=database)
