"""Seals audit entries into a hash chain, seconds after they were committed.

A sale writes its entry and nothing else: there is no last row that all sales would queue for.
One sealer comes behind and gives each committed entry its place in the chain. Transactions commit
in another order than their entries are numbered, so the sealer looks for entries without a link,
not for numbers above the last, and goes back as far as a transaction that still writes may reach.
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
from headend.config.open_writers import writers_of

BATCH = 500
# How often it is asked who still writes, to look at as few entries again as may still be missing.
SETTLE_EVERY_S = 2.0
LOOK_AT_ALL_EVERY_S = 3600.0
RECENT = 10_000  # numbers in which a sealer that starts expects open transactions
_LOCK = 0x0A0D17  # of PostgreSQL's advisory locks: only one sealer adds links


class Head(NamedTuple):
    """The end of the chain: it stands for every entry sealed so far."""

    position: int
    chain_hash: bytes
    sealed_at: datetime


class _Mark(NamedTuple):
    """Below `highest` only entries of writers active when it was read can still appear."""

    highest: int  # number that has a link
    writers: set[str]


class Sealer:
    """Adds links; several may run, but only one at a time adds.

    Args:
        monotonic: seconds of a clock that only goes forward.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._floor: int | None = None  # entries below it have their links
        self._mark: _Mark | None = None
        self._settle_at = self._look_at_all_at = monotonic()

    def seal(self, *, at: datetime) -> Head | None:
        """Seal what is committed and not sealed yet, one batch.

        Args:
            at: now.

        Returns:
            Head: the new end of the chain; None if there was nothing to seal, or if another
            sealer is at work.
        """
        if self._floor is None:
            self._floor = max(_highest() - RECENT, 0)
        looks_at_all = self._monotonic() >= self._look_at_all_at
        final = self._final()
        floor = 0 if looks_at_all else self._floor
        if not _waiting(floor).exists():
            if looks_at_all:
                self._look_at_all_at = self._monotonic() + LOOK_AT_ALL_EVERY_S
            self._raise_floor(final)
            return None
        with transaction.atomic():
            if not _lock():
                return None
            entries = list(_waiting(floor).order_by("pk")[:BATCH])
            if not entries:
                return None
            links = _links(entries, after=Link.objects.order_by("-position").first(), at=at)
            Link.objects.bulk_create(links)
        if len(entries) < BATCH:
            self._raise_floor(final)
        last = links[-1]
        return Head(last.position, bytes(last.chain_hash), last.sealed_at)

    def _final(self) -> int | None:
        """Return the number up to which a look from now on sees all that will ever be there."""
        if self._mark is not None:
            self._mark = self._mark._replace(writers=self._mark.writers & writers_of(AuditEntry))
        elif self._monotonic() >= self._settle_at:
            self._settle_at = self._monotonic() + SETTLE_EVERY_S
            # The number first: whoever has a lower one is among the writers, or has committed.
            highest = _highest()
            self._mark = _Mark(highest, writers_of(AuditEntry))
        return self._mark.highest if self._mark and not self._mark.writers else None

    def _raise_floor(self, final: int | None) -> None:
        """Note that a look found nothing more up to a number which was final before the look."""
        if final is not None:
            self._floor, self._mark = final + 1, None


def end_of_chain() -> Head | None:
    """Return the last link, or None if nothing was sealed yet."""
    last = Link.objects.order_by("-position").first()
    return Head(last.position, bytes(last.chain_hash), last.sealed_at) if last else None


def is_in_chain(head: Head) -> bool:
    """Return True if the database still shows what was the chain's end."""
    return Link.objects.filter(position=head.position, chain_hash=head.chain_hash).exists()


def _highest() -> int:
    """Return the highest number of an entry that has a link."""
    highest: int | None = Link.objects.aggregate(highest=Max("entry_id"))["highest"]
    return highest or 0


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
