"""Finds changes made to the audit record directly in the database.

Four things must agree: what each entry says, its signature by a key that is not in the database,
its link in the chain, and the ends of the chain that were published outside the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.db.models import Count

from headend.audit import publication, signing
from headend.audit.models import AuditEntry, Link
from headend.audit.publication import Published

CHUNK = 1000
SEALED_WITHIN = timedelta(hours=1)  # an entry older than this without a link: no sealer runs
PUBLISHED_WITHIN = timedelta(hours=1)  # what was sealed before and is in no file: files are gone


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was written: a code for programs, a sentence for people."""

    code: str
    text: str


@dataclass
class Report:
    """What was looked at and what was found."""

    links: int = 0
    waiting: int = 0  # entries that the sealer has not reached yet
    published: int = 0
    signatures_checked: bool = True
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """True if nothing was found."""
        return not self.findings


def verify(*, seals: Path, key: bytes | None, at: datetime) -> Report:
    """Check the whole record.

    Args:
        seals: the folder of the published files.
        key: the key of the signatures; None leaves them unchecked.
        at: now.

    Returns:
        Report: its findings in the order of the chain.
    """
    report = Report(signatures_checked=key is not None)
    # The files are read first: the chain that the database then shows may only be longer.
    heads = _heads(seals, report)
    highest = max(heads, default=0)
    for finding in (
        *_chain(report, heads, key),
        *_beyond(heads),
        *_unpublished(highest, seals, at),
        *_unsealed(report, key, at),
    ):
        report.findings.append(finding)
    report.findings.extend(_copies())
    return report


def _heads(seals: Path, report: Report) -> dict[int, list[Published]]:
    heads: dict[int, list[Published]] = defaultdict(list)
    try:
        for one in publication.published(seals):
            heads[one.position].append(one)
            report.published += 1
    except ValueError as error:
        report.findings.append(Finding("seal_unreadable", str(error)))
    return heads


def _chain(
    report: Report, heads: dict[int, list[Published]], key: bytes | None
) -> Iterator[Finding]:
    """Walk the chain; after a fault continue from what the link itself says."""
    chain, position = signing.FIRST_HASH, 0
    while True:
        links = list(Link.objects.filter(position__gt=position).order_by("position")[:CHUNK])
        if not links:
            return
        entries = AuditEntry.objects.in_bulk([link.entry_id for link in links])
        for link in links:
            report.links += 1
            if link.position != position + 1:
                yield _missing_links(position + 1, link.position - 1)
            entry = entries.get(link.entry_id)
            yield from _entry_faults(link, entry, key)
            expected = signing.chain_hash(
                chain,
                position=link.position,
                entry_id=link.entry_id,
                sealed_at=link.sealed_at,
                content=bytes(link.content_hash),
            )
            if expected != bytes(link.chain_hash) and link.position == position + 1:
                yield Finding(
                    "link_changed",
                    f"link {link.position} of the chain does not follow link {position}: "
                    "links were changed or put in another order",
                )
            chain, position = bytes(link.chain_hash), link.position
            for head in heads.pop(position, ()):
                if head.chain_hash != chain:
                    yield Finding(
                        "seal_differs",
                        f"link {position} is not what was published in {head.source}: "
                        "an entry up to it was changed and the chain computed anew",
                    )


def _entry_faults(link: Link, entry: AuditEntry | None, key: bytes | None) -> Iterator[Finding]:
    if entry is None:
        yield Finding(
            "entry_deleted",
            f"entry {link.entry_id}, link {link.position} of the chain, was deleted",
        )
    elif signing.content_hash(entry) != bytes(link.content_hash):
        yield Finding(
            "entry_changed",
            f"entry {entry.pk} ({entry}) was changed after it was sealed on "
            f"{link.sealed_at:%Y-%m-%d %H:%M:%S %Z}",
        )
    elif key is not None and not signing.is_signed(entry, key):
        yield _foreign(entry)


def _beyond(heads: dict[int, list[Published]]) -> Iterator[Finding]:
    """What was published and is no longer in the database."""
    for position, lost in sorted(heads.items()):
        yield Finding(
            "seal_without_link",
            f"link {position} was published in {lost[0].source} and is not in the database: "
            "entries were deleted, or an old backup was restored",
        )


def _unpublished(highest: int, seals: Path, at: datetime) -> Iterator[Finding]:
    """What should have been published long ago; without it nothing outside vouches for the end."""
    missing = Link.objects.filter(position__gt=highest, sealed_at__lt=at - PUBLISHED_WITHIN)
    last = missing.order_by("-position").first()
    if last is not None:
        yield Finding(
            "seal_missing",
            f"{_links_from(highest + 1, last.position)} not published in {seals}: files were "
            "taken away, the sealer can't write there, or it is not the folder of this record",
        )


def _unsealed(report: Report, key: bytes | None, at: datetime) -> Iterator[Finding]:
    waiting = AuditEntry.objects.filter(link__isnull=True).order_by("pk")
    for entry in waiting.iterator(chunk_size=CHUNK):
        report.waiting += 1
        if key is not None and not signing.is_signed(entry, key):
            yield _foreign(entry)
        elif at - entry.at > SEALED_WITHIN:
            yield Finding(
                "entry_unsealed",
                f"entry {entry.pk} ({entry}) has no link in the chain: the sealer does not run, "
                "or the link was deleted",
            )


def _copies() -> Iterator[Finding]:
    repeated = (
        AuditEntry.objects.values("signature")
        .annotate(times=Count("pk"))
        .filter(times__gt=1)
        .values("signature")
    )
    for signature in repeated:
        numbers = AuditEntry.objects.filter(signature=signature["signature"]).order_by("pk")
        listed = ", ".join(str(one.pk) for one in numbers)
        yield Finding("entry_copied", f"entries {listed} are copies of one")


def _missing_links(first: int, last: int) -> Finding:
    return Finding("link_deleted", f"{_links_from(first, last)} deleted")


def _links_from(first: int, last: int) -> str:
    which = f"link {first}" if first == last else f"links {first} to {last}"
    return f"{which} of the chain:"


def _foreign(entry: AuditEntry) -> Finding:
    return Finding(
        "entry_foreign",
        f"entry {entry.pk} ({entry}) was not written by the head-end, or was changed since",
    )
