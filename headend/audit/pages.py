"""Reads for the pages about the audit record."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.apps import apps
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from headend.audit.models import AuditEntry
from headend.design import records, words


class Change(NamedTuple):
    """One field that an act changed or recorded; an empty text where there was or is nothing."""

    field: str
    before: str
    after: str


class Shown(NamedTuple):
    """An entry as a page shows it."""

    entry: AuditEntry
    kind: str
    changes: list[Change]


class Slice(NamedTuple):
    """Some entries, newest first, and the number below which the older ones lie."""

    entries: list[Shown]
    older_than: int | None


def search(
    *,
    text: str = "",
    who: str = "",
    kind: str = "",
    first_day: date | None = None,
    last_day: date | None = None,
) -> QuerySet[AuditEntry]:
    """Return entries, newest first.

    Args:
        text: part of the act, in words or as its code, of the object's label or the reason, or
            the object's id.
        who: part of the name of who did it.
        kind: an object type such as "meters.meter".
        first_day: from this local day on.
        last_day: up to and including this local day.
    """
    found = AuditEntry.objects.order_by("-pk")
    if text.strip():
        wanted = text.strip()
        found = found.filter(
            Q(action__icontains=wanted.replace(" ", "_"))
            | Q(object_label__icontains=wanted)
            | Q(reason__icontains=wanted)
            | Q(object_id=wanted)
        )
    if who.strip():
        found = found.filter(actor_name__icontains=who.strip())
    if kind:
        found = found.filter(object_type=kind)
    if first_day:
        found = found.filter(at__gte=_midnight(first_day))
    if last_day:
        found = found.filter(at__lt=_midnight(last_day + timedelta(days=1)))
    return found


def cut(found: QuerySet[AuditEntry], *, before: int | None, length: int) -> Slice:
    """Return the newest entries below a number; it counts nothing, so long lists open quickly.

    Args:
        found: entries, newest first.
        before: only entries with a lower number; None from the newest on.
        length: how many at most.
    """
    if before is not None:
        found = found.filter(pk__lt=before)
    entries = list(found.select_related("actor", "link")[: length + 1])
    has_more = len(entries) > length
    entries = entries[:length]
    shown = [Shown(entry, kind_of(entry.object_type), changes(entry)) for entry in entries]
    return Slice(shown, entries[-1].pk if has_more else None)


def kinds() -> list[tuple[str, str]]:
    """Return the object types of which something is recorded and what people call them, by name.

    Found by one step through the index for each, however long the record is.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH RECURSIVE found(kind) AS (
                SELECT min(object_type) FROM audit_auditentry
                UNION ALL
                SELECT (SELECT min(object_type) FROM audit_auditentry WHERE object_type > kind)
                FROM found WHERE kind IS NOT NULL
            ) SELECT kind FROM found WHERE kind IS NOT NULL"""
        )
        found = [kind for (kind,) in cursor.fetchall()]
    return sorted(((kind, kind_of(kind)) for kind in found), key=lambda one: one[1].casefold())


def kind_of(object_type: str) -> str:
    """Return what people call an object type, even one that no longer exists."""
    if object_type in words.KINDS:
        return words.KINDS[object_type]
    try:
        return str(apps.get_model(object_type)._meta.verbose_name)
    except (LookupError, ValueError):
        return object_type


def name_of(object_type: str, object_id: str) -> str:
    """Return what an object is called of which nothing is recorded itself, as of most premises."""
    try:
        found = apps.get_model(object_type)._default_manager.filter(pk=object_id).first()
    except (LookupError, ValueError):
        found = None
    return str(found or object_id)


def changes(entry: AuditEntry) -> list[Change]:
    """Return what an entry records, field by field, in its order."""
    before, after = _fields(entry.before), _fields(entry.after)
    return [
        Change(
            records.label(name),
            records.text(name, before.get(name)),
            records.text(name, after.get(name)),
        )
        for name in dict.fromkeys([*before, *after])
    ]


def _fields(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
