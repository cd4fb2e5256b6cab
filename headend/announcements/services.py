"""Writes announcements and takes them out of the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from headend.announcements.models import Announcement


def announce(
    happening: str, object_id: int, *, at: datetime, facts: Mapping[str, Any] | None = None
) -> None:
    """Note what happened, in its own transaction, so that both are kept or neither.

    What is audited is not announced: programs are told of it from the audit record.

    Args:
        happening: capability and what happened, at most 40 characters.
        object_id: of what it happened to.
        at: when.
        facts: what can't be read from the object later. Never a key, password or token.
    """
    Announcement.objects.create(
        happening=happening, object_id=object_id, at=at, facts=dict(facts or {})
    )


def take(limit: int) -> list[Announcement]:
    """Take the oldest announcements out; call it in the transaction that passes them on.

    Args:
        limit: most of them.
    """
    waiting = Announcement.objects.select_for_update(skip_locked=True).order_by("pk")
    taken = list(waiting[:limit])
    Announcement.objects.filter(pk__in=[one.pk for one in taken]).delete()
    return taken
