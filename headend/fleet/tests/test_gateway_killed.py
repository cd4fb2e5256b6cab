"""Whatever is killed at whatever moment: every event stored once, every command executed once."""

from __future__ import annotations

import os
import select
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from headend.fleet.tests.fake_meter import FakeMeter

pytestmark = pytest.mark.any_database

PATIENCE_S = 30
EVENTS = 5


class Database:
    """A database of its own for the processes: a SQLite file, or PostgreSQL if the suite runs
    there."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = f"killed_{os.getpid()}_{name}"
        self._file = folder / f"{name}.sqlite3"
        self.is_server = connection.vendor == "postgresql"

    @property
    def url(self) -> str:
        """Its DATABASE_URL."""
        return self._server_url(self._name) if self.is_server else f"sqlite:///{self._file}"

    def create(self, template: Database | None = None) -> Database:
        """Create it, empty or as a copy."""
        if self.is_server:
            copy = f' TEMPLATE "{template._name}"' if template else ""
            self._execute(f'CREATE DATABASE "{self._name}"{copy}')
        elif template:
            shutil.copy(template._file, self._file)
        return self

    def drop(self) -> None:
        """Remove it; a file goes with its folder."""
        if self.is_server:
            self._execute(f'DROP DATABASE "{self._name}" WITH (FORCE)')

    def rows(self, query: str) -> list[Any]:
        """Read it from outside."""
        if self.is_server:
            with psycopg.connect(self.url) as server:
                return server.execute(query.encode()).fetchall()
        reader = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=10)
        try:
            return reader.execute(query).fetchall()
        finally:
            reader.close()

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._server_url("postgres"), autocommit=True) as server:
            server.execute(statement.encode())

    @staticmethod
    def _server_url(name: str) -> str:
        host = connection.settings_dict["OPTIONS"]["host"]
        return f"postgres://{connection.settings_dict['USER']}@/{name}?host={host}"


class HeadEnd:
    """The head-end's processes on a database of their own."""

    def __init__(self, database: Database, folder: Path, url: str = "") -> None:
        self.rows = database.rows
        self._environment = {
            **os.environ,
            "OPENPREPAY_DATA": str(folder),
            "DATABASE_URL": database.url,
            "MQTT_URL": url,
            "OPENPREPAY_TOPIC_PREFIX": "prepay/v1",
        }
        self._running: list[subprocess.Popen[str]] = []

    def start(self, *what: str) -> subprocess.Popen[str]:
        """Start a process of `headend.fleet.tests.process`."""
        process = subprocess.Popen(
            [sys.executable, "-m", "headend.fleet.tests.process", *what],
            env=self._environment,
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        return process

    def run(self, *what: str) -> None:
        """Run a process to its end."""
        assert self.start(*what).wait(PATIENCE_S) == 0

    def start_gateway(self, stop_at: str = "") -> subprocess.Popen[str]:
        """Start a gateway and wait until it listens."""
        process = self.start("gateway", stop_at)
        self._hear(process, "ready")
        return process

    @staticmethod
    def _hear(process: subprocess.Popen[str], word: str) -> None:
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
        assert readable, f"no {word!r} in {PATIENCE_S} s"
        assert process.stdout.readline().strip() == word

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Kill -9 a process once it says that it is where it is to die."""
        self._hear(process, "reached")
        process.kill()
        process.wait()

    def end(self) -> None:
        """End what still runs."""
        for process in self._running:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Path]]:
    """A database that holds one meter, and the folder with the secrets it was made with."""
    folder = tmp_path_factory.mktemp("headend")
    database = Database("prepared", folder).create()
    HeadEnd(database, folder).run("prepare")
    yield database, folder
    database.drop()


@pytest.fixture
def headend(broker: Any, prepared: tuple[Database, Path], tmp_path: Path) -> Iterator[HeadEnd]:
    """A head-end on each broker in turn, with a copy of the prepared database."""
    template, folder = prepared
    database = Database("copy", tmp_path).create(template)
    made = HeadEnd(database, folder, broker.url)
    yield made
    made.end()
    database.drop()


@pytest.fixture
def fake(broker: Any) -> Iterator[FakeMeter]:
    """The meter, not connected yet."""
    made = FakeMeter(broker.port)
    yield made
    made.close()


def _wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not seen in {PATIENCE_S} s: {what}"
        time.sleep(0.02)


def _connect(headend: HeadEnd, fake: FakeMeter) -> None:
    """Let the meter come online with events to tell, once the gateway listens."""
    fake.connect()
    for _ in range(EVENTS):
        fake.note_event()


@pytest.mark.parametrize(
    "stop_at",
    ["before_commit", "before_acknowledging", "before_publishing", "after_publishing"],
)
@pytest.mark.parametrize(
    ("broker", "broker_dies"),
    [("mosquitto", False), ("embedded", True)],
    ids=["broker lives", "broker dies too"],
    indirect=["broker"],
)
def test_the_gateway_is_killed(
    headend: HeadEnd, fake: FakeMeter, broker: Any, stop_at: str, broker_dies: bool
) -> None:
    headend.run("queue")
    gateway = headend.start_gateway(stop_at)
    _connect(headend, fake)
    headend.kill(gateway)
    if broker_dies:
        broker.stop()
        broker.start()
    headend.start_gateway()
    _wait_for(fake.is_all_stored, "the watermark over all events")
    _wait_for(
        lambda: headend.rows("SELECT state FROM fleet_command") == [("accepted",)], "acceptance"
    )
    assert headend.rows("SELECT boot, seq FROM fleet_event ORDER BY seq") == [
        (1, seq) for seq in range(1, EVENTS + 1)
    ]
    assert fake.executed == [("token", {"digits": "1" * 20})]
    assert len(set(fake.payloads)) == 1


@pytest.mark.parametrize("broker", ["mosquitto"], indirect=True)
def test_the_web_process_is_killed(headend: HeadEnd, fake: FakeMeter) -> None:
    """Before its commit there is no command; asked for again, there is one."""
    headend.kill(headend.start("queue", "queued"))
    assert headend.rows("SELECT * FROM fleet_command") == []
    headend.run("queue")
    headend.run("queue")
    headend.start_gateway()
    fake.connect()
    _wait_for(lambda: len(fake.executed) == 1, "the token at the meter")
    _wait_for(
        lambda: headend.rows("SELECT state FROM fleet_command") == [("accepted",)], "acceptance"
    )
