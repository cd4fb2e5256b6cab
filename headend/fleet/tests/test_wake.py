"""The gateway hears of a queued command when it is committed, and not before."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from headend.fleet.wake import FileWaker, ListenWaker, Waker, announce, waker


@pytest.fixture
def connect(
    transactional_db: None, tmp_path: Path
) -> Iterator[Callable[[str], BaseDatabaseWrapper]]:
    """Make further connections to one database, a file on SQLite."""
    settings = dict(connection.settings_dict)
    if connection.vendor == "sqlite":
        settings["NAME"] = str(tmp_path / "wake.sqlite3")
    made: list[BaseDatabaseWrapper] = []

    def connect(alias: str) -> BaseDatabaseWrapper:
        made.append(type(connections["default"])(settings, alias))
        return made[-1]

    yield connect
    for each in made:
        each.close()


@pytest.fixture
def listener(connect: Callable[[str], BaseDatabaseWrapper]) -> BaseDatabaseWrapper:
    """The gateway's connection."""
    return connect("listener")


@pytest.fixture
def writer(connect: Callable[[str], BaseDatabaseWrapper]) -> BaseDatabaseWrapper:
    """The connection of the process that queues commands."""
    return connect("writer")


@pytest.fixture
def ears(listener: BaseDatabaseWrapper, writer: BaseDatabaseWrapper) -> Iterator[Waker]:
    """What wakes the gateway, past the first look that it always takes."""
    if listener.vendor == "sqlite":
        with writer.cursor() as cursor:
            cursor.execute("CREATE TABLE queue (item)")
    made = waker(listener)
    assert isinstance(made, ListenWaker if listener.vendor == "postgresql" else FileWaker)
    assert made.is_woken()
    yield made
    made.close()


def _queue(writer: BaseDatabaseWrapper) -> None:
    if writer.vendor == "sqlite":
        with writer.cursor() as cursor:
            cursor.execute("INSERT INTO queue VALUES (1)")
    announce(writer)


def _wait_for_word(ears: Waker) -> None:
    """PostgreSQL sends it after the commit was answered."""
    if ears.descriptors():
        assert select.select(ears.descriptors(), [], [], 5)[0]


def test_nothing_queued_nothing_heard(ears: Waker) -> None:
    assert not ears.is_woken()


def test_a_commit_is_heard_once(ears: Waker, writer: Any) -> None:
    writer.set_autocommit(False)
    _queue(writer)
    assert not ears.is_woken()
    writer.commit()
    _wait_for_word(ears)
    assert ears.is_woken()
    assert not ears.is_woken()


def test_a_rollback_is_not_heard(ears: Waker, writer: Any) -> None:
    writer.set_autocommit(False)
    _queue(writer)
    writer.rollback()
    assert not ears.is_woken()


def test_what_this_process_writes_itself_wakes_it_on_postgresql_only(
    ears: Waker, listener: BaseDatabaseWrapper
) -> None:
    """On a file it would only wake itself for what it just did."""
    _queue(listener)
    _wait_for_word(ears)
    assert ears.is_woken() == (listener.vendor == "postgresql")
