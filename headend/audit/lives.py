"""Which audit entries make up an object's history: its own and those of related objects.

The record lies under every capability and knows none of them. Each says by `part_of` what of its
own belongs to an object's life: vending, that a meter's sales do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Model, Q, QuerySet

from headend.audit.models import AuditEntry

Parts = Callable[[int], Iterable[QuerySet[Any]]]
LATEST = 1000  # of each kind of part; a meter has some hundreds of sales in its life

_parts: dict[str, list[Parts]] = defaultdict(list)


def part_of(object_type: str) -> Callable[[Parts], Parts]:
    """Register a function that names parts of an object's life.

    It is given the object's id and returns queries of the objects that belong to it.

    Args:
        object_type: whose life, as in the entries, for example "meters.meter".
    """

    def register(parts: Parts) -> Parts:
        _parts[object_type].append(parts)
        return parts

    return register


def of_object(object_type: str, object_id: str) -> QuerySet[AuditEntry]:
    """Return the entries of an object's whole life, newest first."""
    wanted = Q(object_type=object_type, object_id=object_id)
    for parts in _parts.get(object_type, ()) if _is_id(object_id) else ():
        for found in parts(int(object_id)):
            wanted |= Q(object_type=_type_of(found.model), object_id__in=_ids(found))
    return AuditEntry.objects.filter(wanted).order_by("-pk")


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < 2**63


def _ids(found: QuerySet[Any]) -> list[str]:
    latest = found.order_by("-pk").values_list("pk", flat=True).distinct()[:LATEST]
    return [str(pk) for pk in latest]


def _type_of(model: type[Model]) -> str:
    return model._meta.label_lower
