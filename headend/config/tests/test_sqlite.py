"""SQLite as the settings set it up: writers wait for each other, commits are durable."""

import sqlite3
import threading

import pytest
from django.conf import settings
from django.db import connection

from headend.config.settings import SQLITE_BUSY_SECONDS


@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite")
def test_a_second_writer_waits_its_turn(tmp_path):
    """Connections with the options in use read, then write, in overlapping transactions."""
    options = settings.DATABASES["default"]["OPTIONS"]
    assert options["timeout"] == SQLITE_BUSY_SECONDS
    path = tmp_path / "x.sqlite3"

    def connect():
        made = sqlite3.connect(path, timeout=options["timeout"], isolation_level=None)
        made.executescript(options["init_command"])
        return made

    setup = connect()
    setup.execute("CREATE TABLE counter (value INTEGER)")
    setup.execute("INSERT INTO counter VALUES (0)")
    assert setup.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert setup.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    errors = []

    def count():
        mine = connect()
        try:
            for _ in range(50):
                mine.execute(f"BEGIN {options['transaction_mode']}")
                (value,) = mine.execute("SELECT value FROM counter").fetchone()
                mine.execute("UPDATE counter SET value = ?", (value + 1,))
                mine.execute("COMMIT")
        except sqlite3.OperationalError as error:
            errors.append(error)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert setup.execute("SELECT value FROM counter").fetchone() == (200,)


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite")
def test_transactions_begin_as_the_writer():
    assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_keys")
        assert cursor.fetchone() == (1,)
