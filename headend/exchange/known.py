"""Looks up what the rows of a sheet refer to, for many rows at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Generic, Protocol, TypeVar, cast

from django.db.models import Model, QuerySet

from headend.config.errors import Refusal
from headend.exchange.cells import Cells

T = TypeVar("T")
M = TypeVar("M", bound=Model)
F = TypeVar("F", covariant=True)


class Finder(Protocol[F]):
    """Finds things by what sheets call them."""

    def find(self, names: Collection[Any], /) -> Mapping[Any, F]:
        """Return what there is under names."""


@dataclass(frozen=True)
class By(Generic[M]):
    """Finds objects of a model by a field, or by several; of several objects the first counts.

    Args:
        model: of the objects.
        fields: of the model; one of another that it refers to as "meter__drn".
        among: where to look; everywhere if nothing is told.
    """

    model: type[M]
    fields: tuple[str, ...]
    among: Callable[[], QuerySet[M]] | None = None

    def find(self, names: Collection[Any], /) -> Mapping[Any, M]:
        """Return the objects of these names."""
        parts = names if len(self.fields) > 1 else [(name,) for name in names]
        wanted = {
            f"{field}__in": {part[place] for part in parts}
            for place, field in enumerate(self.fields)
        }
        looked = self.model._default_manager.all() if self.among is None else self.among()
        last_first = looked.filter(**wanted).select_related(*self._relations).order_by("-pk")
        return {self.name_of(one): one for one in last_first}

    def name_of(self, one: Model) -> Any:
        """Return what an object is found by."""
        parts = [reduce(getattr, field.split("__"), cast(Any, one)) for field in self.fields]
        return parts[0] if len(parts) == 1 else tuple(parts)

    @property
    def _relations(self) -> list[str]:
        return [field.rpartition("__")[0] for field in self.fields if "__" in field]


@dataclass(frozen=True)
class Lookup:
    """Something that every row names, to be found for many rows at once.

    Args:
        finder: by which acts ask for it.
        told: returns its name in a row, nothing if there is none; it may use earlier lookups.
    """

    finder: Finder[object]
    told: Callable[[Cells, Known], Any]

    def name_in(self, cells: Cells, known: Known) -> Any:
        """Return the name in a row; nothing too if it can't be read, which the act will say."""
        try:
            return self.told(cells, known)
        except Refusal:
            return None


def column(name: str, finder: Finder[object]) -> Lookup:
    """Return the lookup of what a column names."""
    return Lookup(finder, lambda cells, _: cells.text(name))


class Known:
    """Objects by what sheets call them.

    Args:
        lookups: what the rows of the sheet name, in the order in which it is looked for.
        rows: for which to find it beforehand; everything else is asked for when it is needed.
    """

    def __init__(self, lookups: Iterable[Lookup] = (), rows: Iterable[Cells] = ()) -> None:
        self._found: dict[Finder[object], dict[Any, Any]] = {}
        self._objects: dict[tuple[type[Model], Any], Model] = {}
        rows = list(rows)
        for lookup in lookups:
            names = {lookup.name_in(cells, self) for cells in rows} - {"", None}
            if names:
                there = lookup.finder.find(names)
                found = self._found.setdefault(lookup.finder, {})
                found |= {name: self._one(there.get(name)) for name in names}

    def find(self, finder: Finder[T], name: Any) -> T | None:
        """Return what has a name, or None."""
        found = self._found.get(finder, {})
        return found[name] if name in found else finder.find([name]).get(name)

    def found(self, finder: Finder[T], name: Any) -> T | None:
        """Return what has a name, if it was looked for beforehand and is there."""
        return self._found.get(finder, {}).get(name)

    def add(self, new: Model) -> None:
        """Have the rows that follow find an object that was just made."""
        for finder, found in self._found.items():
            if isinstance(finder, By) and isinstance(new, finder.model):
                found[finder.name_of(new)] = new

    def _one(self, found: Any) -> Any:
        """Return the one object of a row that was found in several ways, so that it may change."""
        if not isinstance(found, Model):
            return found
        return self._objects.setdefault((type(found), found.pk), found)
