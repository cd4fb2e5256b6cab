"""Seals audit entries into a hash chain, seconds after they were committed.

A sale writes its entry and nothing else: there is no last row that all sales would queue for.
One sealer comes behind and gives each committed entry its place in the chain. Transactions commit
in another order than their entries are numbered, so the sealer looks for entries without a link,
not for numbers above the last.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Max, QuerySet

from headend.audit import signing
from headend.audit.models import AuditEntry, Link

BATCH = 500
# A number that is missing may belong to a transaction that is still open. It is waited for this
# long; the look at everything, at the start and each hour, finds what came later still.
WAIT_FOR_MISSING_S = 600.0
LOOK_AT_ALL_EVERY_S = 3600.0
RECENT = 10_000  # numbers in which a sealer that starts expects open transactions
_LOCK = 0x0A0D17  # of PostgreSQL's advisory locks: only one sealer adds links


class Head(NamedTuple):
    """The end of the chain: it stands for every entry sealed so far."""

    position: int
    chain_hash: bytes
    sealed_at: datetime


class Sealer:
    """Adds links; several may run, but only one at a time adds.

    Args:
        monotonic: seconds of a clock that only goes forward.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._missing: list[tuple[float, int]] = []  # when it was noticed, lowest missing number
        self._highest: int | None = None
        self._look_at_all_at = monotonic()

    def seal(self, *, at: datetime) -> Head | None:
        """Seal what is committed and not sealed yet, one batch.

        Args:
            at: now.

        Returns:
            Head: the new end of the chain; None if there was nothing to seal, or if another
            sealer is at work.
        """
        if self._highest is None:
            self._highest = Link.objects.aggregate(highest=Max("entry_id"))["highest"] or 0
            self._missing = [(self._monotonic(), self._highest - RECENT)]
        looks_at_all = self._monotonic() >= self._look_at_all_at
        floor = 0 if looks_at_all else self._floor()
        if not _waiting(floor).exists():
            if looks_at_all:
                self._look_at_all_at = self._monotonic() + LOOK_AT_ALL_EVERY_S
            return None
        with transaction.atomic():
            if not _lock():
                return None
            entries = list(_waiting(floor).order_by("pk")[:BATCH])
            if not entries:
                return None
            links = _links(entries, after=Link.objects.order_by("-position").first(), at=at)
            Link.objects.bulk_create(links)
        for entry in entries:
            self._notice(entry.pk)
        last = links[-1]
        return Head(last.position, bytes(last.chain_hash), last.sealed_at)

    def _floor(self) -> int:
        """Return the number from which on entries may still be without a link."""
        waits_since = self._monotonic() - WAIT_FOR_MISSING_S
        self._missing = [each for each in self._missing if each[0] > waits_since]
        return min((first for _, first in self._missing), default=(self._highest or 0) + 1)

    def _notice(self, entry_id: int) -> None:
        """Note that an entry has its link, and whether numbers below it are missing."""
        expected = (self._highest or 0) + 1
        if entry_id > expected:
            self._missing.append((self._monotonic(), expected))
        self._highest = max(expected - 1, entry_id)


def end_of_chain() -> Head | None:
    """Return the last link, or None if nothing was sealed yet."""
    last = Link.objects.order_by("-position").first()
    return Head(last.position, bytes(last.chain_hash), last.sealed_at) if last else None


def _waiting(floor: int) -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(pk__gte=floor, link__isnull=True)


def _links(entries: list[AuditEntry], *, after: Link | None, at: datetime) -> list[Link]:
    """Return the links of entries that follow the last one; their time never goes back."""
    position = after.position if after else 0
    chain = bytes(after.chain_hash) if after else signing.FIRST_HASH
    sealed_at = max(at, after.sealed_at) if after else at
    links = []
    for entry in entries:
        position += 1
        content = signing.content_hash(entry)
        chain = signing.chain_hash(
            chain, position=position, entry_id=entry.pk, sealed_at=sealed_at, content=content
        )
        links.append(
            Link(
                position=position,
                entry=entry,
                sealed_at=sealed_at,
                content_hash=content,
                chain_hash=chain,
            )
        )
    return links


def _lock() -> bool:
    """Be the only sealer until the transaction ends; on SQLite the transaction itself is."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])
