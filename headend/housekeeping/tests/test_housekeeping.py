"""Chores are done when due, by one process, and what came of them can be seen."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection

from headend.accounts.services import console_user
from headend.audit.models import AuditEntry
from headend.config import chores
from headend.config.chores import Nightly, Outcome
from headend.fleet.models import WorkItem
from headend.housekeeping import lock, services, worker
from headend.housekeeping.models import ChoreRecord
from headend.ledger.models import Proving
from headend.testing import NOON, make_supply
from headend.vending.models import Sale
from headend.vending.services import vend

pytestmark = pytest.mark.django_db


class Sweeping:
    """A chore that notes when it was done and comes to what it is told."""

    def __init__(self):
        self.times = []
        self.outcome = Outcome("swept")

    def __call__(self, *, at):
        self.times.append(at)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def sweeping(monkeypatch):
    """The only chore there is."""
    act = Sweeping()
    chore = chores.Chore("sweep", "The floor is clean", Nightly(hour=2), act)
    monkeypatch.setattr(chores, "_chores", {"sweep": chore})
    return act


def sell(supply, by):
    return vend(
        caller="t", message_id="1", meter=supply.meter, tender_minor=50_00, operator=by, at=NOON
    )


def at(moment):
    return services.do_due(clock=lambda: moment)


def test_a_chore_is_done_once_each_night(sweeping):
    for hours in (0, 1, 11, 13, 14, 37, 38, 39):
        at(NOON + timedelta(hours=hours))
    assert [moment - NOON for moment in sweeping.times] == [
        timedelta(0), timedelta(hours=13), timedelta(hours=37),
    ]  # fmt: skip
    record = ChoreRecord.objects.get()
    assert (record.told, record.is_well, record.ended_at) == ("swept", True, sweeping.times[-1])
    assert not WorkItem.objects.exists()


def test_what_is_not_well_becomes_work_for_somebody_once(sweeping, log_in):
    sweeping.outcome = Outcome("a spot by the door", is_well=False)
    at(NOON)
    at(NOON + timedelta(days=1))
    item = WorkItem.objects.get()
    assert item.summary == "The floor is clean: it is not so. a spot by the door"
    assert "a spot by the door" in log_in("engineer").get("/").content.decode()
    sweeping.outcome = Outcome("swept")
    at(NOON + timedelta(days=2))
    assert ChoreRecord.objects.get().is_well


def test_a_chore_that_breaks_off_is_tried_again_and_hinders_no_other(sweeping, monkeypatch):
    other = chores.Chore("a", "Another", Nightly(hour=2), lambda *, at: Outcome("fine"))
    monkeypatch.setitem(chores._chores, "a", other)
    sweeping.outcome = OSError("no broom")
    assert {one.name for one in at(NOON)} == {"a", "sweep"}
    record = ChoreRecord.objects.get(name="sweep")
    assert (record.failures, record.is_well) == (1, False)
    assert "OSError: no broom" in record.told
    assert at(NOON + timedelta(minutes=4)) == []
    sweeping.outcome = Outcome("swept")
    at(NOON + timedelta(minutes=5))
    record.refresh_from_db()
    assert (record.failures, record.is_well, len(sweeping.times)) == (0, True, 2)


def test_a_process_that_was_killed_in_the_middle_leaves_it_to_be_done_again(sweeping):
    ChoreRecord.objects.create(name="sweep", begun_at=NOON)
    assert at(NOON + timedelta(minutes=4)) == []
    at(NOON + timedelta(minutes=5))
    assert len(sweeping.times) == 1


def test_only_one_process_does_chores(sweeping, monkeypatch, tmp_path):
    path = tmp_path / "lock"
    monkeypatch.setattr(services, "only_one", lambda: lock.file_lock(path))
    with lock.file_lock(path) as is_ours:
        assert is_ours
        assert at(NOON) == []
    assert len(at(NOON)) == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's lock is a file")
def test_postgresqls_lock_is_one_process_long():
    second = connection.copy()
    try:
        with lock.only_one() as is_ours, second.cursor() as cursor:
            assert is_ours
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock._LOCK])
            assert cursor.fetchone() == (False,)
        with second.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock._LOCK])
            assert cursor.fetchone() == (True,)
            with lock.only_one() as is_ours:
                assert not is_ours
    finally:
        second.close()


def test_the_worker_looks_until_it_is_told_to_stop(sweeping):
    told = iter([False, False, True])  # the third time it is told
    stop: Any = SimpleNamespace(wait=lambda seconds: None, is_set=lambda: next(told))
    worker.run(stop)
    assert len(sweeping.times) == 1


def test_the_real_chores_on_a_day_of_work(log_in, settings, tmp_path):
    settings.AUDIT_SEALS = tmp_path
    supply, by = make_supply(), console_user()
    sell(supply, by)
    call_command("seal_audit", "--once")
    log_in("cashier")
    Session.objects.update(expire_date=NOON)
    call_command("housekeeping", "--once")
    told = {one.name: one.told for one in ChoreRecord.objects.all()}
    assert told["ledger"].endswith("s.")
    assert "proofs agree" in told["ledger"]
    assert "are sound" in told["audit"]
    assert told["expired"] == "1 ended sessions and 0 old tries to log in."
    assert not Session.objects.exists()
    assert [one.differences for one in Proving.objects.all()] == [[], []]


@pytest.mark.django_db(transaction=True)
def test_a_difference_in_the_ledger_is_told_by_name(triggers_off, settings, tmp_path):
    settings.AUDIT_SEALS = tmp_path
    supply, by = make_supply(), console_user()
    sale = sell(supply, by)
    Sale.objects.update(tender_minor=60_00)
    with pytest.raises(CommandError, match="not all is well"):
        call_command("housekeeping", "--once")
    assert f"sale {sale}" in ChoreRecord.objects.get(name="ledger").told
    assert "see the trial balance" in WorkItem.objects.get(cause="chore:ledger").summary


def test_the_page_says_how_it_stands(sweeping, log_in):
    admin = log_in("utility administrator")
    assert "does not seem to run" in admin.get("/housekeeping/").content.decode()
    at(NOON)
    shown = admin.get("/housekeeping/").content.decode()
    assert "does not seem to run" not in shown
    for told in ("The floor is clean", "swept", "each night at 02:00"):
        assert told in shown
    ChoreRecord.objects.update(begun_at=NOON - timedelta(days=3))
    assert "does not seem to run" in admin.get("/housekeeping/").content.decode()


def test_a_chore_can_be_asked_for(sweeping, log_in):
    at(NOON)
    admin = log_in("utility administrator")
    assert "half a minute" in admin.post("/housekeeping/sweep/now/", follow=True).content.decode()
    assert AuditEntry.objects.filter(action="housekeeping.ask_for").exists()
    assert len(at(NOON + timedelta(seconds=1))) == 1
    assert at(NOON + timedelta(seconds=2)) == []
    assert "No chore is" in admin.post("/housekeeping/mop/now/", follow=True).content.decode()
    for group, status in (("auditor", 200), ("cashier", 403)):
        client = log_in(group)
        assert client.get("/housekeeping/").status_code == status
        assert client.post("/housekeeping/sweep/now/").status_code == 403
