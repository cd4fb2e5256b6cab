"""Writes the chain's end to files outside the database, so that a change to the past shows.

One file a day, named by the UTC day. Each line is a JSON object that names the end of the chain
when it was written; the last line of a day that is over is the day's seal, and the file is then
read-only. Whoever changes the database and computes the whole chain anew still can't make it end
in what was published.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from django.db.models import Count, Max, Min

from headend.audit.models import Link
from headend.audit.sealer import Head

SUFFIX = ".jsonl"
_READ_ONLY = 0o444
_WRITABLE = 0o200


class Published(NamedTuple):
    """One line of a day's file."""

    position: int
    chain_hash: bytes
    source: str  # file and line, for a person to look at


def publish(folder: Path, head: Head) -> None:
    """Add the chain's end to the file of its day, unless that file is already sealed."""
    path = _file(folder, head.sealed_at.astimezone(UTC).date())
    if path.exists() and not path.stat().st_mode & _WRITABLE:
        return
    _append(
        path,
        {
            "position": head.position,
            "chain_hash": head.chain_hash.hex(),
            "sealed_at": _instant(head.sealed_at),
        },
    )


def close_days(folder: Path, *, today: date) -> list[date]:
    """Write the seal of each day that is over and has none.

    Args:
        folder: of the published files.
        today: the UTC day that is not over.

    Returns:
        list: the days that were closed.
    """
    first = Link.objects.aggregate(first=Min("sealed_at"))["first"]
    if first is None:
        return []
    day = max([first.astimezone(UTC).date(), *(_closed_days(folder))])
    closed = []
    while day < today:
        if not _is_closed(_file(folder, day)) and _close(folder, day):
            closed.append(day)
        day += timedelta(days=1)
    return closed


def published(folder: Path) -> Iterator[Published]:
    """Read what was published; of a closed day its seal alone, which stands for the rest.

    Raises:
        ValueError: a file can't be read as what the sealer writes.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        lines = path.read_text(encoding="ascii").splitlines()
        numbers = range(len(lines))
        if lines and _says_closed(lines[-1]):
            numbers = numbers[-1:]
        for number in numbers:
            source = f"{path.name} line {number + 1}"
            if not lines[number].endswith("}"):
                continue  # the sealer was cut off while writing it
            try:
                facts = json.loads(lines[number])
                yield Published(facts["position"], bytes.fromhex(facts["chain_hash"]), source)
            except (ValueError, KeyError, TypeError):
                raise ValueError(f"{path}: line {number + 1} is no seal") from None


def _close(folder: Path, day: date) -> bool:
    """Write a day's seal; False if nothing was sealed that day."""
    start = datetime.combine(day, time.min, tzinfo=UTC)
    facts = Link.objects.filter(
        sealed_at__gte=start, sealed_at__lt=start + timedelta(days=1)
    ).aggregate(last=Max("position"), entries=Count("position"))
    if facts["last"] is None:
        return False
    last = Link.objects.get(position=facts["last"])
    path = _file(folder, day)
    _append(
        path,
        {
            "position": last.position,
            "chain_hash": bytes(last.chain_hash).hex(),
            "sealed_at": _instant(last.sealed_at),
            "day": day.isoformat(),
            "entries": facts["entries"],
            "closed": True,
        },
    )
    path.chmod(_READ_ONLY)
    return True


def _closed_days(folder: Path) -> Iterator[date]:
    """The last day that has its seal, if any."""
    for path in sorted(folder.glob(f"*{SUFFIX}"), reverse=True):
        if _is_closed(path):
            yield date.fromisoformat(path.stem)
            return


def _is_closed(path: Path) -> bool:
    if not path.exists():
        return False
    lines = path.read_text(encoding="ascii").splitlines()
    return bool(lines) and _says_closed(lines[-1])


def _says_closed(line: str) -> bool:
    try:
        return bool(json.loads(line).get("closed"))
    except (ValueError, AttributeError):
        return False


def _append(path: Path, facts: dict[str, Any]) -> None:
    """Add one line and have it on the disk before returning."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                file.write(b"\n")  # what was cut off stays a line of its own
        file.write(json.dumps(facts).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _file(folder: Path, day: date) -> Path:
    return folder / f"{day.isoformat()}{SUFFIX}"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
