"""Looks up what the rows of a sheet refer to, for many rows at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db.models import Model

from headend.config import batches
from headend.exchange.cells import Cells

M = TypeVar("M", bound=Model)
Lookup = tuple[str, type[Model], str]  # a column, and the model and field that it names


class NotInBatch(Exception):
    """A row changes what is there already: it needs a transaction of its own."""


class Known:
    """Objects by what sheets call them.

    Args:
        lookups: what the columns of the sheet name.
        rows: for which to find it beforehand; everything else is asked for when it is needed.
    """

    def __init__(self, lookups: Iterable[Lookup] = (), rows: Iterable[Cells] = ()) -> None:
        self._found: dict[tuple[type[Model], str], dict[str, Any]] = {}
        rows = list(rows)
        for column, model, field in lookups:
            names = {cells.text(column) for cells in rows} - {""}
            if not names:
                continue
            found = self._found.setdefault((model, field), {})
            found |= dict.fromkeys(names)
            there = model._default_manager.filter(**{f"{field}__in": names}).order_by("-pk")
            found |= {getattr(one, field): one for one in there}  # of several the first counts

    def find(self, model: type[M], field: str, name: str) -> M | None:
        """Return the object of a name, or None."""
        found = self._found.get((model, field), {})
        if name in found:
            known: M | None = found[name]
            return known
        return model._default_manager.filter(**{field: name}).order_by("pk").first()

    def add(self, new: Model) -> None:
        """Have the rows that follow find an object that was just made."""
        for (model, field), found in self._found.items():
            if isinstance(new, model):
                found.setdefault(getattr(new, field), None)
                if found[getattr(new, field)] is None:
                    found[getattr(new, field)] = new

    def need_own_transaction(self) -> None:
        """Have a row done singly, because it changes what is there.

        Raises:
            NotInBatch: if it is one of a batch.
        """
        if batches.current() is not None:
            raise NotInBatch
