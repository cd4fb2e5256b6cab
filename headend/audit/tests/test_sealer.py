"""Every committed entry gets its place in the chain, in whatever order transactions commit."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from headend.accounts.models import User
from headend.accounts.services import create_user
from headend.audit import publication, sealer, services, signing
from headend.audit.models import AuditEntry, Link
from headend.audit.sealer import Sealer
from headend.audit.verification import verify
from headend.audit.worker import Worker

several_writers = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has one writer: commits are in order"
)
START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


class Clock:
    """A monotonic clock for the sealer, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def user(db: None) -> User:
    return create_user(username="teller", password=None)


def write(user: User, *, at: datetime = START) -> AuditEntry:
    return services.record(actor=user, action="test.act", target=user, at=at)


def sealed_entries() -> list[int]:
    return list(Link.objects.order_by("position").values_list("entry_id", flat=True))


def test_links_follow_each_other_over_batches(
    user: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sealer, "BATCH", 3)
    entries = [write(user) for _ in range(7)]
    worker = Sealer()
    heads = [worker.seal(at=START) for _ in range(4)]
    assert [head.position if head else None for head in heads] == [3, 6, 7, None]
    assert sealed_entries() == [entry.pk for entry in entries]
    report = verify(seals=tmp_path, key=signing.own_key(), at=START)
    assert report.is_sound
    assert report.links == 7


def test_another_sealer_goes_on_where_one_ended(user: User, tmp_path: Path) -> None:
    for _ in range(2):
        write(user)
        Sealer().seal(at=START)
    assert [link.position for link in Link.objects.order_by("position")] == [1, 2]
    assert verify(seals=tmp_path, key=None, at=START).is_sound


def test_the_time_of_seals_never_goes_back(user: User) -> None:
    worker = Sealer()
    for hours in (1, -1, 0):
        write(user)
        worker.seal(at=START + timedelta(hours=hours))
    times = list(Link.objects.order_by("position").values_list("sealed_at", flat=True))
    assert times == [START + timedelta(hours=1)] * 3


def test_an_idle_look_is_one_query_over_few_rows(user: User) -> None:
    write(user)
    clock = Clock()
    worker = Sealer(monotonic=clock)
    for _ in range(3):
        clock.seconds += sealer.SETTLE_EVERY_S
        worker.seal(at=START)
    clock.seconds += sealer.SETTLE_EVERY_S / 2
    with CaptureQueriesContext(connection) as queries:
        assert worker.seal(at=START) is None
    (looked,) = [one["sql"] for one in queries if "audit_auditentry" in one["sql"]]
    assert f">= {sealed_entries()[-1] + 1}" in looked


def test_a_number_that_was_given_back_is_not_waited_for(user: User) -> None:
    clock = Clock()
    worker = Sealer(monotonic=clock)
    write(user)
    worker.seal(at=START)
    _number_that_nobody_uses()
    write(user)
    for _ in range(3):
        clock.seconds += sealer.SETTLE_EVERY_S
        worker.seal(at=START)
    assert worker._floor == sealed_entries()[-1] + 1


def test_entries_sealed_by_another_sealer_are_not_looked_at_again(user: User) -> None:
    clock = Clock()
    standing_by, worker = Sealer(monotonic=clock), Sealer(monotonic=clock)
    assert standing_by.seal(at=START) is None
    for _ in range(3):
        write(user)
        worker.seal(at=START)
    clock.seconds += sealer.SETTLE_EVERY_S
    standing_by.seal(at=START)
    assert standing_by._floor == sealed_entries()[-1] + 1


def _number_that_nobody_uses() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT nextval('audit_auditentry_id_seq')")
        else:
            cursor.execute(
                "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'audit_auditentry'"
            )


@pytest.mark.django_db(transaction=True)
@several_writers
def test_a_transaction_that_commits_late_is_sealed_late(tmp_path: Path) -> None:
    user = create_user(username="teller", password=None)
    clock = Clock()
    worker = Sealer(monotonic=clock)
    write(user)
    worker.seal(at=START)
    worker.seal(at=START)
    is_written, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                write(user)
                is_written.set()
                assert may_commit.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert is_written.wait(20)
    quick = write(user)
    worker.seal(at=START)
    assert sealed_entries()[-1] == quick.pk
    for _ in range(3):  # the open transaction holds up nothing, however long it is open
        clock.seconds += 1000
        write(user)
        assert worker.seal(at=START) is not None
    assert (worker._floor or 0) <= quick.pk - 1
    may_commit.set()
    thread.join()
    worker.seal(at=START)
    assert sealed_entries()[-1] == quick.pk - 1
    for _ in range(3):
        clock.seconds += sealer.SETTLE_EVERY_S
        assert worker.seal(at=START) is None
    assert worker._floor == max(sealed_entries()) + 1
    assert Link.objects.count() == AuditEntry.objects.count()
    assert verify(seals=tmp_path, key=signing.own_key(), at=START).is_sound


@pytest.mark.django_db(transaction=True)
@several_writers
def test_writers_and_two_sealers_at_once_leave_one_chain(tmp_path: Path) -> None:
    user = create_user(username="teller", password=None)
    writers_done = threading.Event()
    faults: list[BaseException] = []

    def guarded(act: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                act()
            except BaseException as error:
                faults.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def writing() -> None:
        for number in range(20):
            with transaction.atomic():
                write(user)
                if number % 5 == 4:
                    transaction.set_rollback(True)

    def sealing() -> None:
        worker = Sealer()
        while worker.seal(at=START) or not writers_done.is_set():
            pass

    writers = [guarded(writing) for _ in range(3)]
    sealers = [guarded(sealing) for _ in range(2)]
    for thread in writers:
        thread.join()
    writers_done.set()
    for thread in sealers:
        thread.join()
    assert faults == []
    Sealer().seal(at=START)
    assert Link.objects.count() == AuditEntry.objects.count() == 48
    assert verify(seals=tmp_path, key=signing.own_key(), at=START).is_sound


def test_each_day_gets_its_seal_and_its_file_closes(user: User, tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    for day in (0, 0, 2):
        at = START + timedelta(days=day)
        write(user, at=at)
        worker.step(at=at)
    worker.publish()
    worker.step(at=START + timedelta(days=3))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "2026-11-21.jsonl",
        "2026-11-23.jsonl",
    ]
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o444] * 2
    assert [one.position for one in publication.published(tmp_path)] == [2, 3]
    assert publication.close_days(tmp_path, today=date(2026, 11, 24)) == []
    assert verify(seals=tmp_path, key=None, at=START).is_sound


def test_what_is_unpublished_at_midnight_comes_before_the_days_seal(
    user: User, tmp_path: Path
) -> None:
    worker, other = Worker(tmp_path), Worker(tmp_path)
    for _ in range(2):  # the second one waits to be published
        write(user)
        worker.step(at=START)
    write(user)
    other._unpublished = Sealer().seal(at=START)
    worker.step(at=START + timedelta(days=1))
    other.publish()  # comes too late for the day's file
    (file,) = tmp_path.iterdir()
    assert [json.loads(line)["position"] for line in file.read_text().splitlines()] == [1, 2, 3]
    assert [one.position for one in publication.published(tmp_path)] == [3]


def test_a_line_cut_off_by_a_power_cut_hides_nothing(user: User, tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    write(user)
    worker.step(at=START)
    (file,) = tmp_path.iterdir()
    with file.open("a") as torn:
        torn.write('{"position": 2, "chain_')
    write(user)
    Worker(tmp_path).step(at=START)
    assert [one.position for one in publication.published(tmp_path)] == [1, 2]
    assert verify(seals=tmp_path, key=None, at=START).published == 2


def test_what_a_sealer_that_was_cut_off_did_not_publish_the_next_one_does(user, tmp_path):
    write(user)
    Sealer().seal(at=START)
    Worker(tmp_path).step(at=START)
    assert [one.position for one in publication.published(tmp_path)] == [1]


def test_what_is_cut_off_before_it_was_published_shows(
    user: User, triggers_off: None, tmp_path: Path
) -> None:
    worker = Worker(tmp_path)
    write(user)
    worker.step(at=START)
    cut_off = write(user)
    worker.step(at=START + timedelta(seconds=1))  # sealed, but not due to be published yet
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_link WHERE position = 2")
        cursor.execute("DELETE FROM audit_auditentry WHERE id = %s", [cut_off.pk])
    for second in (2, 3):
        write(user)
        worker.step(at=START + timedelta(seconds=second))
    worker.publish()
    report = verify(seals=tmp_path, key=signing.own_key(), at=START)
    assert [finding.code for finding in report.findings] == ["seal_differs"]
