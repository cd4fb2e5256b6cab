"""Who works on a run, one at a time, and what stops it."""

import io
import threading
from datetime import timedelta

import pytest

from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.customers.models import Customer
from headend.exchange import jobs, kinds, runner, work
from headend.exchange.errors import JobNotFound, JobTaken
from headend.exchange.models import Job, Piece, RowResult
from headend.exchange.runner import Runner
from headend.testing import NOON

pytestmark = pytest.mark.django_db


def hand_in(rows=3, by=None, dry_run=False, at=NOON):
    sheet = "\n".join(["reference,name", *(f"C-{n},Customer {n}" for n in range(rows))])
    return jobs.hand_in(
        "customers",
        io.BytesIO(sheet.encode()),
        file_name="customers.csv",
        dry_run=dry_run,
        by=by or console_user(),
        at=at,
    )


def test_the_same_sheet_handed_in_again_goes_on_with_the_run_that_is_there():
    job = hand_in()
    assert hand_in() == job
    assert hand_in(dry_run=True) != job
    assert hand_in(rows=2) != job


def test_one_runner_at_a_time_until_it_lets_go():
    job, now = hand_in(), [NOON]
    first, second = Runner(lambda: now[0]), Runner(lambda: now[0])
    assert first.claim() == job
    assert second.claim() is None
    now[0] += runner.HELD + timedelta(seconds=1)
    assert second.claim() == job
    with pytest.raises(JobTaken):
        first.run(job)
    assert not Customer.objects.exists()
    second.release(job)
    claimed = first.claim()
    assert claimed is not None
    first.run(claimed)
    assert Customer.objects.count() == 3
    assert first.claim() is None


def test_a_run_that_was_taken_when_the_clock_was_ahead_is_not_held_for_so_long():
    job, now = hand_in(), NOON + timedelta(days=365)
    dead, other = Runner(lambda: now), Runner(lambda: NOON)
    assert dead.claim() == job
    assert other.claim() == job
    with pytest.raises(JobTaken):
        dead.run(job)


def test_told_to_stop_it_ends_after_the_present_transaction_and_goes_on_later(monkeypatch):
    monkeypatch.setattr(work, "_LEAST_ROWS", 2)
    monkeypatch.setattr(work, "_MOST_ROWS", 2)
    job, stop = hand_in(rows=5), threading.Event()
    stopped = Runner(lambda: NOON, stop)
    stopped.claim()
    stopped.run(job, lambda _: stop.set())
    job.refresh_from_db()
    assert (job.state, job.rows_done, job.percent) == ("running", 2, 40)
    stopped.release(job)
    other = Runner(lambda: NOON)
    claimed = other.claim()
    assert claimed is not None
    other.run(claimed)
    assert (claimed.state, claimed.rows_done, Customer.objects.count()) == ("done", 5, 5)
    finished = AuditEntry.objects.get(action="exchange.finish")
    assert finished.after is not None
    assert finished.after["added"] == 5


def test_a_run_that_somebody_stops_does_nothing_more(monkeypatch):
    monkeypatch.setattr(work, "_LEAST_ROWS", 2)
    monkeypatch.setattr(work, "_MOST_ROWS", 2)
    job = hand_in(rows=5)
    working = Runner(lambda: NOON)
    working.claim()
    with pytest.raises(JobTaken):
        working.run(job, lambda _: jobs.stop(job, by=console_user(), at=NOON))
    job.refresh_from_db()
    assert (job.state, job.rows_done) == ("stopped", 2)
    with pytest.raises(JobNotFound):
        jobs.stop(job, by=console_user(), at=NOON)


def test_a_fault_in_a_row_is_that_rows_error(monkeypatch, caplog):
    def act(cells, context):
        if cells.text("reference") == "C-1":
            raise ZeroDivisionError
        return kinds.Done(kinds.Outcome.ADDED)

    faulty = kinds.Kind(**{**vars(kinds.KINDS["customers"]), "act": act})
    monkeypatch.setitem(kinds.KINDS, "customers", faulty)
    job = hand_in()
    working = Runner(lambda: NOON)
    working.claim()
    working.run(job)
    assert [(one.outcome, one.code) for one in job.results.all()] == [
        ("added", ""),
        ("error", "row_failed"),
        ("added", ""),
    ]
    assert "ZeroDivisionError" in caplog.text


def test_each_sees_their_own_runs_and_who_may_sees_all():
    somebody = create_user(username="i", password=None, groups=("integration",))
    auditor = create_user(username="a", password=None, groups=("auditor",))
    mine, theirs = hand_in(), hand_in(by=somebody)
    assert list(jobs.visible_to(somebody)) == [theirs]
    assert list(jobs.visible_to(auditor)) == [theirs, mine]
    with pytest.raises(JobNotFound):
        jobs.job_numbered(mine.pk, seen_by=somebody)


def test_sheets_that_were_only_tried_are_forgotten_after_a_month():
    hand_in(dry_run=True)
    working = Runner(lambda: NOON)
    job = working.claim()
    assert job is not None
    working.run(job)
    assert jobs.forget(at=NOON + timedelta(days=29)) == 0
    assert jobs.forget(at=NOON + timedelta(days=31)) == 1
    assert not Piece.objects.exists()
    assert RowResult.objects.count() == 3
    assert Job.objects.count() == 1
