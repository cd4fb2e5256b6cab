"""Counts untrustworthy messages, and opens a work item for the first of each kind."""

from __future__ import annotations

import datetime
from typing import Any

from django.db.models import F

from headend.fleet.models import SecurityEvent
from headend.fleet.work_items import open_work_item
from headend.meters.models import Meter

_LONGEST_SAMPLE = 1024  # bytes of the latest message kept as evidence


def count(
    *,
    drn: str,
    meter: Meter | None,
    reason: str,
    explanation: str,
    topic: str,
    payload: bytes,
    at: datetime.datetime,
) -> None:
    """Count one message.

    Args:
        drn: number of a registered meter; empty for any other, so that invented numbers do not
            each get a row.
        meter: that meter.
        reason: short name of what is wrong.
        explanation: one sentence.
        topic: where it was published.
        payload: its bytes.
        at: when it came.
    """
    event, is_new = SecurityEvent.objects.get_or_create(
        drn=drn,
        reason=reason,
        day=at.date(),
        defaults={"first_at": at, "last_at": at},
    )
    event.count = F("count") + 1
    event.last_at = at
    event.topic = storable(topic)[:200]
    event.sample = payload[:_LONGEST_SAMPLE]
    event.explanation = storable(explanation)[:300]
    event.save()
    if is_new:
        open_work_item(
            kind="security",
            cause=f"security {reason} {drn}",
            summary=f"messages not believed ({reason}) from "
            f"{f'meter {drn}' if drn else 'no known meter'}: {event.explanation}",
            at=at,
            meter=meter,
        )


def storable(value: Any) -> Any:
    """Return what a meter said with the characters replaced that no database takes.

    Args:
        value: claims, or any part of them.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {storable(name): storable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [storable(each) for each in value]
    return value
