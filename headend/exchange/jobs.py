"""Uploading a sheet, on trial or in earnest, and its results. `runner` does the work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from tempfile import SpooledTemporaryFile
from typing import IO

from django.db import transaction
from django.db.models import Count, QuerySet

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.exchange import sheets
from headend.exchange.errors import InvalidSheet, JobNotFound
from headend.exchange.kinds import WHY, Kind, kind_named
from headend.exchange.models import Job, Piece, RowResult, Sheet

IMPORT = "exchange.import_sheet"
KEPT_DAYS = 30  # of a sheet that was only tried
_PIECE_BYTES = 512 * 1024
_IN_MEMORY_BYTES = 1024 * 1024


def may_import(user: User, kind: Kind) -> bool:
    """Say whether a user has every permission that a kind of sheet needs."""
    return all(user.has_perm(one) for one in (IMPORT, *kind.permissions))


@transaction.atomic
def hand_in(
    kind_name: str,
    file: IO[bytes],
    *,
    file_name: str,
    dry_run: bool,
    by: User,
    at: datetime,
    source: str = "",
) -> Job:
    """Keep a sheet and put a run over it on the list of what is to be done.

    The same sheet of the same person, not yet finished, goes on where it stopped: the run that is
    there is returned.

    Args:
        kind_name: a name of `kinds.KINDS`.
        file: CSV in UTF-8 or XLSX, with a heading.
        file_name: what people call it.
        dry_run: only say what would become of each row.
        by: who imports; needs exchange.import_sheet and what the kind asks for.
        at: now.
        source: the channel it comes by.

    Raises:
        UnknownKind: there is no such kind.
        InvalidSheet: it is too large, no sheet, or its columns are others.
    """
    kind = kind_named(kind_name)
    for permission in (IMPORT, *kind.permissions):
        require(by, permission)
    size_bytes = file.seek(0, 2)
    if size_bytes > sheets.LARGEST_BYTES:
        limit = sheets.LARGEST_BYTES // 1024 // 1024
        raise InvalidSheet(f"the sheet has more than {limit} MB; split it")
    file_format, digest = sheets.format_of(file), sheets.digest_of(file)
    kind.check_heading(sheets.heading_of(file, file_format))
    unfinished = Job.objects.filter(
        sheet__kind=kind.name,
        sheet__digest=digest,
        dry_run=dry_run,
        requested_by=by,
        state__in=(Job.State.WAITING, Job.State.RUNNING),
    ).first()
    if unfinished is not None:
        return unfinished
    sheet = Sheet.objects.create(
        kind=kind.name,
        file_name=file_name[-120:] or "sheet",
        file_format=file_format,
        digest=digest,
        size_bytes=size_bytes,
        handed_in_by=by,
        handed_in_at=at,
    )
    _keep(sheet, file)
    return _begin(sheet, dry_run=dry_run, by=by, at=at, source=source)


def _keep(sheet: Sheet, file: IO[bytes]) -> None:
    file.seek(0)
    for position, content in enumerate(iter(lambda: file.read(_PIECE_BYTES), b"")):
        Piece.objects.create(sheet=sheet, position=position, content=content)


@transaction.atomic
def note_read(sheet: Sheet, *, row_count: int, rows: IO[bytes] | None = None) -> None:
    """Note that all of a sheet could be read.

    Args:
        sheet: which; it is brought up to date.
        row_count: how many rows it has.
        rows: what `sheets.kept` wrote, to be kept instead of the file; None: the file stays.
    """
    sheet.row_count, sheet.is_read = row_count, rows is not None
    sheet.save(update_fields=["row_count", "is_read"])
    if rows is not None:
        sheet.pieces.all().delete()
        _keep(sheet, rows)


@transaction.atomic
def import_tried(trial: Job, *, by: User, at: datetime, source: str = "") -> Job:
    """Import in earnest what was tried; asked twice, it is one import.

    Raises:
        InvalidSheet: the trial is not done, or its sheet is not kept any more.
        NotPermitted: as `hand_in`.
    """
    for permission in (IMPORT, *kind_named(trial.sheet.kind).permissions):
        require(by, permission)
    sheet = Sheet.objects.select_for_update().get(pk=trial.sheet_id)
    there = sheet.jobs.filter(dry_run=False).first()
    if there is not None:
        return there
    if trial.state != Job.State.DONE:
        raise InvalidSheet("the trial is not done yet; wait for its end")
    if not sheet.pieces.exists():
        raise InvalidSheet(f"the sheet was kept for {KEPT_DAYS} days; hand it in again")
    return _begin(sheet, dry_run=False, by=by, at=at, source=source)


def _begin(sheet: Sheet, *, dry_run: bool, by: User, at: datetime, source: str) -> Job:
    job = Job.objects.create(sheet=sheet, dry_run=dry_run, requested_by=by, requested_at=at)
    audit.record(
        actor=by,
        action="exchange.try" if dry_run else "exchange.import",
        target=job,
        at=at,
        after={
            "kind": sheet.kind,
            "file_name": sheet.file_name,
            "sha256": bytes(sheet.digest).hex(),
        },
        source=source,
    )
    return job


def may_stop(job: Job, user: User) -> bool:
    """Tell whether a run is somebody's to stop: their own, or one they could have handed in."""
    return job.requested_by_id == user.pk or may_import(user, kind_named(job.sheet.kind))


@transaction.atomic
def stop(job: Job, *, by: User, at: datetime, reason: str = "") -> None:
    """Stop a run; the rows that are done stay done, and a sheet handed in again begins anew.

    Args:
        job: which.
        by: who stops it; who asked for it, or sees everybody's and may import such a sheet too.
        at: now.
        reason: why.

    Raises:
        JobNotFound: it is finished already, or somebody else's.
    """
    running = visible_to(by).filter(pk=job.pk, state__in=(Job.State.WAITING, Job.State.RUNNING))
    stopped = may_stop(job, by) and running.update(
        state=Job.State.STOPPED, finished_at=at, problem=f"stopped by {by}", holder=""
    )
    if not stopped:
        raise JobNotFound("that import is finished already, or is not yours to stop")
    audit.record(actor=by, action="exchange.stop", target=job, at=at, reason=reason)


def visible_to(user: User) -> QuerySet[Job]:
    """Return the runs a user may see: their own, or all with exchange.view_job."""
    jobs = Job.objects.select_related("sheet", "requested_by").order_by("-pk")
    return jobs if user.has_perm("exchange.view_job") else jobs.filter(requested_by=user)


def job_numbered(number: int, *, seen_by: User) -> Job:
    """Return a run.

    Raises:
        JobNotFound: there is none of that number that they may see.
    """
    job = visible_to(seen_by).filter(pk=number).first()
    if job is None:
        raise JobNotFound("there is no such import of yours")
    return job


def counts(job: Job) -> dict[str, int]:
    """Return how many rows ended in which way."""
    found = RowResult.objects.filter(job=job).order_by().values("outcome").annotate(n=Count("pk"))
    ended = {one["outcome"]: one["n"] for one in found}
    return {str(outcome): ended.get(outcome, 0) for outcome in RowResult.Outcome.values}


def temporary_file() -> SpooledTemporaryFile[bytes]:
    """Return a file of which more than a little lies on disk."""
    return SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)


@contextmanager
def content_of(sheet: Sheet) -> Iterator[IO[bytes]]:
    """Give what is kept of a sheet; its format is READ if it was read, otherwise the file's."""
    with temporary_file() as file:
        for content in sheet.pieces.values_list("content", flat=True).iterator(chunk_size=1):
            file.write(bytes(content))
        file.seek(0)
        yield file


def result_rows(job: Job) -> Iterator[list[str]]:
    """Yield what became of each row, a heading first, as a sheet of its own has it."""
    yield ["row", "key", "outcome", "code", "explanation"]
    for one in RowResult.objects.filter(job=job).order_by("row").iterator(chunk_size=1000):
        yield [str(one.row), one.key, one.outcome, one.code, one.explanation]


@transaction.atomic
def keep_refused(job: Job) -> None:
    """Keep of an imported sheet only the rows that were refused; they are needed to be mended.

    Of one that could not be read to its end, nothing was imported and nothing is kept.
    """
    with content_of(job.sheet) as file, temporary_file() as refused:
        wanted = (row for row, _ in _refused(job, file))
        some = sum(1 for _ in sheets.kept(wanted, refused))
        job.sheet.pieces.all().delete()
        _keep(job.sheet, refused)
    if some:
        job.sheet.is_read = True
        job.sheet.save(update_fields=["is_read"])


def may_mend(job: Job, user: User) -> bool:
    """Say whether somebody may have the refused rows of a run, which hold personal data."""
    kind = kind_named(job.sheet.kind)
    return may_import(user, kind) and job.is_finished and job.sheet.pieces.exists()


@transaction.atomic
def begin_refused(job: Job, *, by: User, at: datetime, source: str = "") -> None:
    """Note in the audit record that somebody takes the refused rows out.

    Raises:
        NotPermitted: who may not import such a sheet may not have its rows either.
        InvalidSheet: the run goes on, or its sheet is not kept any more.
    """
    for permission in (IMPORT, *kind_named(job.sheet.kind).permissions):
        require(by, permission)
    if not job.is_finished or not job.sheet.pieces.exists():
        raise InvalidSheet("the refused rows are not there: not yet, or not any more")
    audit.record(actor=by, action="exchange.take_refused", target=job, at=at, source=source)


def refused_rows(job: Job) -> Iterator[list[str]]:
    """Yield the rows that a run refused as a sheet that can be mended and handed in again.

    Its last column says why each was refused, and is passed over when it comes back.
    """
    with content_of(job.sheet) as file:
        for place, ((_, cells), why) in enumerate(_refused(job, file)):
            told = {name: cell for name, cell in cells.items() if name != WHY}
            if not place:
                yield [*told, WHY]
            yield [*told.values(), why]


def _refused(job: Job, file: IO[bytes]) -> Iterator[tuple[sheets.Row, str]]:
    """Yield the kept rows of a run that were refused, each with the reason, in one pass."""
    errors = RowResult.objects.filter(job=job, outcome=RowResult.Outcome.ERROR).order_by("row")
    if not errors.exists():
        return
    told = errors.values_list("row", "explanation").iterator(chunk_size=1000)
    number, why = next(told, (None, ""))
    file_format = sheets.READ if job.sheet.is_read else job.sheet.file_format
    with closing(sheets.rows_of(file, file_format)) as rows:
        for row in rows:
            while number is not None and number < row[0]:
                number, why = next(told, (None, ""))
            if number == row[0]:
                yield row, why


def forget(*, at: datetime) -> int:
    """Delete the contents of sheets that nobody imports any more; return how many pieces."""
    long_ago = at - timedelta(days=KEPT_DAYS)
    old = Sheet.objects.filter(handed_in_at__lt=long_ago).exclude(
        jobs__state__in=(Job.State.WAITING, Job.State.RUNNING)
    )
    return Piece.objects.filter(sheet__in=old).delete()[0]
