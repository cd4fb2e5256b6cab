"""The kinds of sheets: columns, permissions, and the function that processes a row.

A capability's rows are read and acted on by one function; reading files, running, resuming and
reporting are the engine's. `docs/exchange.md` is written from the same table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from headend.accounts.models import User
from headend.exchange.cells import Cells
from headend.exchange.errors import InvalidSheet, UnknownKind
from headend.exchange.known import Known, Lookup
from headend.exchange.models import RowResult

Outcome = RowResult.Outcome
WHY = "why_refused"  # the column that a sheet of refused rows has besides; never read


@dataclass(frozen=True)
class Column:
    """One column of a sheet."""

    name: str
    told: str  # what it says, for people
    needed: bool = False
    example: str = ""


@dataclass(frozen=True)
class Done:
    """What became of a row that is no error."""

    outcome: Outcome
    explanation: str = ""


@dataclass(frozen=True)
class Context:
    """Who imports, and when; `source` goes into the audit record; `known` is what rows name."""

    by: User
    at: datetime
    source: str
    known: Known = field(default_factory=Known)


Act = Callable[[Cells, Context], Done]


@dataclass(frozen=True)
class Kind:
    """One kind of sheet."""

    name: str
    title: str
    purpose: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]  # columns that together name what a row is about
    permissions: tuple[str, ...]
    act: Act
    lookups: tuple[Lookup, ...] = ()
    in_batches: bool = False
    beside: tuple[str, ...] = ()  # columns that an export has as well; an import passes them over

    def key_of(self, cells: Cells) -> str:
        """Return what names the thing that a row is about; empty if the row does not say."""
        return " ".join(filter(None, (cells.text(name) for name in self.key)))[:120]

    def check_heading(self, names: Iterable[str]) -> None:
        """Refuse a sheet whose columns are not those of this kind.

        Raises:
            InvalidSheet: a needed column is missing, one is unknown, or one occurs twice.
        """
        names = list(names)
        known = {column.name: column for column in self.columns}
        for column in self.columns:
            if column.needed and column.name not in names:
                raise InvalidSheet(f"the sheet lacks the column {column.name}: {column.told}")
        for name in names:
            if name not in known and name not in self.beside and name != WHY:
                raise InvalidSheet(f"there is no column {name!r}; there are {', '.join(known)}")
            if names.count(name) > 1:
                raise InvalidSheet(f"the column {name} occurs twice")


KINDS: dict[str, Kind] = {}


def register(
    name: str,
    *,
    title: str,
    purpose: str,
    columns: tuple[Column, ...],
    key: tuple[str, ...],
    permissions: tuple[str, ...],
    lookups: tuple[Lookup, ...] = (),
    in_batches: bool = False,
    beside: tuple[str, ...] = (),
) -> Callable[[Act], Act]:
    """Register the decorated function as what is done with each row of a kind of sheet.

    It is called in a transaction of its own row, and refuses a row by raising a Refusal. Done in
    batches, it may be called for many rows before any of them is written (`config.batches`): then
    it finds by `context.known` what other rows may have added or changed, and tells it what it
    adds.

    Args:
        name: as addresses, commands and programs call it.
        title: as people do.
        purpose: one sentence.
        columns: in the order of the template.
        key: names of columns.
        permissions: what who imports needs; the acts themselves ask for them again.
        lookups: what rows name, to be found for many of them at once.
        in_batches: rows are written together.
        beside: columns of the export of that name that tell people more, and are not read.
    """

    def register_(act: Act) -> Act:
        KINDS[name] = Kind(
            name, title, purpose, columns, key, permissions, act, lookups, in_batches, beside
        )
        return act

    return register_


def kind_named(name: str) -> Kind:
    """Return a kind of sheet.

    Raises:
        UnknownKind: there is none of that name.
    """
    try:
        return KINDS[name]
    except KeyError:
        raise UnknownKind(f"there is no kind {name!r}; choose one of {', '.join(KINDS)}") from None
