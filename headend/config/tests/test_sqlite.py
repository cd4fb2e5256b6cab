"""SQLite as the settings set it up: writers wait for each other in order, commits are durable."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from headend.config import settings as ours
from headend.config.errors import DatabaseBusy
from headend.config.sqlite.base import DatabaseWrapper
from headend.config.sqlite.turns import Turns, TurnTimedOut

pytestmark = pytest.mark.any_database
PATIENCE_S = 20.0
HOLD = """
import sys
from headend.config.sqlite.turns import Turns
turns = Turns(sys.argv[1])
turns.take(20)
with open(sys.argv[2], "a") as log:
    log.write(sys.argv[3] + "\\n")
if sys.argv[4] == "hold":
    print("holding", flush=True)
    sys.stdin.read()
turns.give_back()
"""


@pytest.fixture
def database(tmp_path: Path) -> str:
    """The path of a database with a table of numbers."""
    path = tmp_path / "x.sqlite3"
    made = sqlite3.connect(path)
    made.execute("CREATE TABLE written (number INTEGER)")
    made.commit()
    made.close()
    return str(path)


@pytest.fixture
def connect(
    database: str, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any
) -> Iterator[Callable[..., Any]]:
    """What opens connections to it with the settings of an installation."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{database}")
    made: list[DatabaseWrapper] = []

    def connect(timeout: float = PATIENCE_S) -> DatabaseWrapper:
        found = ours._database()
        assert found["ENGINE"] == "headend.config.sqlite"
        found |= {"AUTOCOMMIT": True, "TIME_ZONE": None, "CONN_HEALTH_CHECKS": False}
        found["OPTIONS"]["timeout"] = timeout
        made.append(DatabaseWrapper(found, "default"))
        made[-1].inc_thread_sharing()
        return made[-1]

    with django_db_blocker.unblock():
        yield connect
        for one in made:
            one.close()


@contextmanager
def in_transaction(wrapper: DatabaseWrapper) -> Iterator[None]:
    """As transaction.atomic, for a connection that is not of the settings."""
    wrapper.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    wrapper.in_atomic_block = True
    try:
        yield
    finally:
        wrapper.in_atomic_block = False
        wrapper.commit()
        wrapper.set_autocommit(True)


def write(wrapper: DatabaseWrapper, number: int = 1) -> None:
    with wrapper.cursor() as cursor:
        cursor.execute("INSERT INTO written VALUES (%s)", [number])


def numbers(wrapper: DatabaseWrapper) -> list[int]:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT number FROM written ORDER BY rowid")
        return [number for (number,) in cursor.fetchall()]


def program(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, *arguments],
        cwd=settings.REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def waiting(*processes: subprocess.Popen[str]) -> bool:
    """Say whether these processes all wait for a lock; Linux shows them with an arrow."""
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    blocked = {words[5] for words in lines if words[1] == "->"}
    return all(str(process.pid) in blocked for process in processes)


def test_what_the_settings_say_of_a_database(connect: Callable[..., Any]) -> None:
    wrapper = connect()
    with wrapper.cursor() as cursor:
        for pragma, wanted in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            cursor.execute(f"PRAGMA {pragma}")
            assert cursor.fetchone() == (wanted,)
    assert wrapper.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_threads_that_read_and_then_write_wait_for_each_other(
    connect: Callable[..., Any],
) -> None:
    setup = connect()
    write(setup, 0)
    errors = []

    def count(mine: DatabaseWrapper) -> None:
        try:
            for _ in range(50):
                with in_transaction(mine), mine.cursor() as cursor:
                    cursor.execute("SELECT number FROM written")
                    (number,) = cursor.fetchone()
                    cursor.execute("UPDATE written SET number = %s", [number + 1])
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=count, args=(connect(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert numbers(setup) == [200]


def test_processes_get_their_turns_in_the_order_in_which_they_came(
    database: str, tmp_path: Path
) -> None:
    """Meanwhile one writes again and again without a pause, which starves those that poll."""
    log = tmp_path / "log"
    turns = Turns(database)
    turns.take(PATIENCE_S)
    waiters: list[subprocess.Popen[str]] = []
    for name in "ABC":
        waiters.append(program(database, str(log), name, "go"))
        wait_until(lambda: waiting(*waiters))
    writer = sqlite3.connect(database)
    turns.give_back()
    turns_before = 0
    while not log.exists() or len(log.read_text().split()) < len(waiters):
        turns.take(PATIENCE_S)
        turns_before += 1
        writer.execute("INSERT INTO written VALUES (1)")
        writer.commit()  # in the meantime the next one gets to the gate
        turns.give_back()
    writer.close()
    for waiter in waiters:
        waiter.communicate()
    assert log.read_text().split() == ["A", "B", "C"]
    assert turns_before <= 5 * len(waiters)


def test_threads_of_a_process_get_their_turns_in_order(database: str) -> None:
    turns = Turns(database)
    turns.take(PATIENCE_S)
    order: list[int] = []

    def one(number: int) -> None:
        turns.take(PATIENCE_S)
        order.append(number)
        turns.give_back()

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=one, args=(number,)))
        threads[-1].start()
        wait_until(lambda: len(turns._line) == len(threads))
    turns.give_back()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_a_killed_process_leaves_its_turn_to_the_next(database: str, tmp_path: Path) -> None:
    holder = program(database, str(tmp_path / "log"), "A", "hold")
    assert holder.stdout is not None
    assert holder.stdout.readline() == "holding\n"
    turns = Turns(database)
    with pytest.raises(TurnTimedOut):
        turns.take(0.01)
    holder.kill()
    holder.communicate()
    turns.take(PATIENCE_S)
    turns.give_back()


def test_a_forked_child_does_not_give_its_parents_turn_back(database: str) -> None:
    turns, other = Turns(database), Turns(database)
    turns.take(PATIENCE_S)
    child = os.fork()
    if not child:
        turns.give_back()
        os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(TurnTimedOut):
        other.take(0.01)
    turns.give_back()
    other.take(PATIENCE_S)
    other.give_back()


def test_who_waits_too_long_is_told_so_by_name(connect: Callable[..., Any]) -> None:
    holder, impatient = connect(), connect(timeout=0.01)
    with in_transaction(holder):
        write(holder)
        with pytest.raises(DatabaseBusy, match=r"for 0\.01 s; this change has not begun"):
            write(impatient, 2)
        with pytest.raises(DatabaseBusy), in_transaction(impatient):
            pass
        assert numbers(impatient) == []  # reading needs no turn
    write(impatient, 3)
    assert numbers(holder) == [1, 3]


def test_a_program_that_does_not_queue_keeps_nobody_waiting_for_ever(
    database: str, connect: Callable[..., Any]
) -> None:
    impatient, other = connect(timeout=0.01), connect()
    write(impatient)
    stranger = sqlite3.connect(database, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseBusy), in_transaction(impatient):
        pass
    stranger.execute("COMMIT")
    stranger.close()
    write(other)  # the turn was given back


@pytest.mark.parametrize("ending", ["commit", "rollback", "close"])
def test_a_turn_ends_with_its_transaction(connect: Callable[..., Any], ending: str) -> None:
    first, second = connect(), connect(timeout=0.01)
    first.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    write(first)
    getattr(first, ending)()
    write(second, 2)
    assert numbers(second) == ([1, 2] if ending == "commit" else [2])


def test_a_statement_that_fails_ends_its_turn(connect: Callable[..., Any]) -> None:
    first, second = connect(), connect(timeout=0.01)
    with pytest.raises(Exception, match="no such table"), first.cursor() as cursor:
        cursor.execute("INSERT INTO nowhere VALUES (1)")
    write(second)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite")
@pytest.mark.django_db(transaction=True)
def test_a_database_in_memory_has_no_queue() -> None:
    ours: Any = connection
    with transaction.atomic():
        assert ours._turn is None
