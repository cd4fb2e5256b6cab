"""Limits a key's requests per minute, counted approximately across all server processes.

Each process counts by itself and now and then, after a twentieth of the limit or a second, writes
its own count into a row of its own and reads those of the others. So no two processes wait for one
row, most requests cost nothing, and what passes beyond the limit is at most what the other
processes have not told yet: a twentieth of the limit each, or their requests of a second.
"""

from __future__ import annotations

import os
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum

from headend.api.models import ApiKey, RequestTally

SHARE = 20  # of the limit may go untold
TELL_EVERY = timedelta(seconds=1)
_KEPT_MINUTES = 5


@dataclass
class _Count:
    """Requests of one key in one minute, as this process knows them."""

    minute: int
    own: int = 0
    told: int = 0  # of them, those that the others can read
    others: int = 0
    told_at: datetime | None = None


class Rates:
    """Counts requests by key; one of it serves a process.

    Args:
        name: of the process, no other's.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._counts: dict[int, _Count] = {}
        self._lock = threading.Lock()

    def count(self, key: ApiKey, limit: int, *, at: datetime) -> bool:
        """Count one request, if it is within the limit.

        Args:
            key: whose.
            limit: requests a minute, > 0.
            at: now.

        Returns:
            False if the limit was reached; the request does not count then.
        """
        minute = int(at.timestamp()) // 60
        with self._lock:
            counted = self._counts.get(key.pk)
            if counted is None or counted.minute != minute:
                counted = self._counts[key.pk] = _Count(minute)
            if counted.own + counted.others >= limit:
                return False
            counted.own += 1
            untold = counted.own - counted.told
            is_due = untold > limit // SHARE or (
                counted.told_at is None or at - counted.told_at >= TELL_EVERY
            )
            if not is_due:
                return True
            is_first, counted.told, counted.told_at = counted.told_at is None, counted.own, at
        self._tell(key, counted, is_first=is_first)
        return counted.own + counted.others <= limit

    def _tell(self, key: ApiKey, counted: _Count, *, is_first: bool) -> None:
        """Write what this process counted, and read what the others did."""
        mine = RequestTally(
            key=key, minute=counted.minute, process=self._name, requests=counted.told
        )
        RequestTally.objects.bulk_create(
            [mine],
            update_conflicts=True,
            unique_fields=["key", "minute", "process"],
            update_fields=["requests"],
        )
        tallies = RequestTally.objects.filter(key=key)
        others = tallies.filter(minute=counted.minute).exclude(process=self._name)
        counted.others = others.aggregate(sum=Sum("requests"))["sum"] or 0
        if is_first:
            tallies.filter(minute__lt=counted.minute - _KEPT_MINUTES).delete()


_of_process: dict[int, Rates] = {}


def rates() -> Rates:
    """Return what counts in this process; a forked one gets its own."""
    pid = os.getpid()
    if pid not in _of_process:
        _of_process[pid] = Rates(f"{pid}-{secrets.token_hex(6)}")
    return _of_process[pid]
