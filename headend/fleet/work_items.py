"""What somebody has to look at: opened by what happens in the field, closed by a person."""

from __future__ import annotations

import datetime

from django.db import transaction

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit.services import record
from headend.fleet.models import Command, WorkItem
from headend.meters.models import Meter


@transaction.atomic
def close_work_item(*, item: WorkItem, closed_by: User, at: datetime.datetime) -> WorkItem:
    """Mark a work item as dealt with.

    Args:
        item: which one.
        closed_by: who dealt with it.
        at: now.

    Raises:
        NotPermitted: the user may not command meters.
    """
    require(closed_by, "fleet.command_meter")
    item.closed_at = at
    item.closed_by = closed_by
    item.save(update_fields=["closed_at", "closed_by"])
    record(actor=closed_by, action="fleet.close_work_item", target=item, at=at)
    return item


def open_work_item(
    *,
    kind: str,
    cause: str,
    summary: str,
    at: datetime.datetime,
    meter: Meter | None = None,
    command: Command | None = None,
) -> WorkItem:
    """Have a person look at something; one open item per cause.

    Args:
        kind: what sort of thing, a short name.
        cause: names the one cause, so that it is not opened twice.
        summary: one sentence that names the thing and the remedy.
        at: now.
        meter: which meter it is about.
        command: which command it is about.
    """
    item, _ = WorkItem.objects.get_or_create(
        cause=cause,
        closed_at=None,
        defaults={
            "kind": kind,
            "summary": summary[:300],
            "opened_at": at,
            "meter": meter,
            "command": command,
        },
    )
    return item
