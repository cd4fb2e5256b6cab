"""Decides when a chore is due: from when it was last begun, how that went, and the time. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from headend.config.chores import Schedule

RETRY_MINUTES = (5, 15, 60)  # after the first, second and every later try that did not finish
OVERDUE = timedelta(minutes=30)  # this late, nobody seems to do the chores


class Last(NamedTuple):
    """How a chore stands: None for what never happened."""

    begun_at: datetime | None = None
    is_finished: bool = True
    failures: int = 0
    asked_at: datetime | None = None


def due_at(schedule: Schedule, last: Last, *, at: datetime, zone: tzinfo) -> datetime:
    """Return when a chore is due, `at` if it is due for another reason than time.

    Args:
        schedule: the chore's.
        last: how it stands.
        at: now.
        zone: of the utility.
    """
    begun_at = last.begun_at
    if begun_at is None or begun_at > at:  # never, or the clock was wrong when it was
        return at
    if last.asked_at is not None and last.asked_at >= begun_at:
        return at
    planned = schedule.next_after(begun_at, zone)
    failures = last.failures + (not last.is_finished)  # what was cut off did not finish either
    if not failures:
        return planned
    minutes = RETRY_MINUTES[min(failures, len(RETRY_MINUTES)) - 1]
    return min(planned, begun_at + timedelta(minutes=minutes))
