"""Runs imports: some rows per transaction, together with their results.

A run that was killed is taken up where it stopped: rows, results and progress are kept in one
transaction, so no row is done twice or left out. One process at a time works on a run; it holds
it for a while longer with each transaction, and another takes over when it has let go.
"""

from __future__ import annotations

import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice

from django.db import connection, transaction
from django.db.models import F, Max, Q

from headend.audit import services as audit
from headend.exchange import jobs, sheets
from headend.exchange.errors import InvalidSheet, JobTaken
from headend.exchange.kinds import kind_named
from headend.exchange.models import Job, RowResult, Sheet
from headend.exchange.work import Work

HELD = timedelta(seconds=20)
_CLOCKS_DIFFER = timedelta(hours=1)  # by more only if one was wrong when a run was taken
MOST_SECONDS = 1.0  # of one transaction
_ROWS_BETWEEN = 5000  # of a sheet that is read, before the run is held for longer
SQLITE_SECONDS = 0.2  # there nobody else writes meanwhile
_TO_DO = (Job.State.WAITING, Job.State.RUNNING)

Clock = Callable[[], datetime]


class Runner:
    """Works on runs, one after the other.

    Args:
        clock: returns now.
        stop: ends the work after the present transaction.
    """

    def __init__(self, clock: Clock, stop: threading.Event | None = None) -> None:
        self._clock = clock
        self._stop = stop or threading.Event()
        self._name = uuid.uuid4().hex

    def claim(self, only: Job | None = None) -> Job | None:
        """Return the next run that nobody works on and hold it; or one named, if it is free."""
        now = self._clock()
        # Who holds a run for longer than anybody does had a clock that was ahead.
        let_go = Q(held_until__lt=now) | Q(held_until__gt=now + HELD + _CLOCKS_DIFFER)
        free = Q(held_until=None) | let_go | Q(holder=self._name)
        waiting = Job.objects.filter(free, state__in=_TO_DO)
        if only is not None:
            waiting = waiting.filter(pk=only.pk)
        for job in waiting.select_related("sheet", "requested_by").order_by("pk")[:10]:
            is_ours = Job.objects.filter(free, pk=job.pk, state__in=_TO_DO).update(
                state=Job.State.RUNNING, holder=self._name, held_until=now + HELD
            )
            if is_ours:
                return job
        return None

    def run(self, job: Job, told: Callable[[Job], object] = lambda _: None) -> None:
        """Work on a run that was claimed, to its end or until told to stop.

        Args:
            job: the run; its `rows_done` is kept up to date.
            told: is called after each transaction.

        Raises:
            JobTaken: it was stopped, or another process took it over because this one was slow.
        """
        try:
            self._read(job)
            done_up_to = job.results.aggregate(last=Max("row"))["last"] or 1
            file_format = sheets.READ if job.sheet.is_read else job.sheet.file_format
            with (
                jobs.content_of(job.sheet) as file,
                closing(sheets.rows_of(file, file_format, after=done_up_to)) as rows,
            ):
                ended = self._rows(job, rows, told)
        except InvalidSheet as error:
            self._finish(job, Job.State.STOPPED, str(error))
            return
        if ended:
            self._finish(job, Job.State.DONE)

    def release(self, job: Job) -> None:
        """Let another process go on with a run at once."""
        Job.objects.filter(pk=job.pk, holder=self._name).update(holder="", held_until=None)

    def _read(self, job: Job) -> None:
        """Read all of a sheet once before anything is done, and count its rows.

        A workbook takes long to read: from then on what was read is kept instead.
        """
        sheet = job.sheet
        if sheet.row_count is not None:
            return
        if not sheet.pieces.exists():
            raise InvalidSheet("the sheet is not kept any more; hand it in again")
        is_workbook = sheet.file_format == Sheet.Format.XLSX
        row_count = 0
        with (
            jobs.content_of(sheet) as file,
            closing(sheets.rows_of(file, sheet.file_format)) as rows,
            jobs.temporary_file() as read,
        ):
            for _ in sheets.kept(rows, read) if is_workbook else rows:
                row_count += 1
                if row_count % _ROWS_BETWEEN == 0:
                    self._hold(job)
            with transaction.atomic():
                self._hold(job)
                jobs.note_read(sheet, row_count=row_count, rows=read if is_workbook else None)

    def _rows(self, job: Job, rows: Iterator[sheets.Row], told: Callable[[Job], object]) -> bool:
        """Do rows until there are none; False if told to stop before."""
        seconds = SQLITE_SECONDS if connection.vendor == "sqlite" else MOST_SECONDS
        work = Work(job, kind_named(job.sheet.kind), seconds=seconds)
        next_rows: deque[sheets.Row] = deque()
        while not self._stop.is_set():
            next_rows.extend(islice(rows, max(0, work.most - len(next_rows))))
            if not next_rows:
                return True
            with transaction.atomic():
                self._hold(job)
                results = work.some_rows(next_rows, at=self._clock())
                RowResult.objects.bulk_create(results)
                Job.objects.filter(pk=job.pk).update(rows_done=F("rows_done") + len(results))
            job.rows_done += len(results)
            told(job)
        return False

    def _hold(self, job: Job) -> None:
        """Hold the run for a while longer.

        Raises:
            JobTaken: it is not ours any more.
        """
        held = Job.objects.filter(pk=job.pk, holder=self._name, state=Job.State.RUNNING)
        if not held.update(held_until=self._clock() + HELD):
            raise JobTaken(f"{job} was stopped, or another process works on it")

    @transaction.atomic
    def _finish(self, job: Job, state: str, problem: str = "") -> None:
        now = self._clock()
        self._hold(job)
        Job.objects.filter(pk=job.pk).update(
            state=state, problem=problem[:300], finished_at=now, holder="", held_until=None
        )
        job.refresh_from_db(fields=["state", "problem", "finished_at", "rows_done"])
        if not job.dry_run:
            jobs.keep_refused(job)  # an unreadable sheet has none
        audit.record(
            actor=job.requested_by,
            action="exchange.finish",
            target=job,
            at=now,
            after={"state": state, "problem": problem, **jobs.counts(job)},
            source=f"import:{job.pk}",
        )
