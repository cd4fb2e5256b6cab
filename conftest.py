"""Fixtures every suite may ask for: the interpreters and the programs tests run against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import interpreters
from tools.testing import parts

pytest_plugins = ["tools.testing.brokers"]

SIMULATED_BOARD = interpreters.REPOSITORY / "firmware" / "boards" / "simulated"
RUNNER = str(interpreters.REPOSITORY / "tools" / "testing" / "micropython_runner.py")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest) -> None:
    """Give each of several test processes its own database: SQLite's is in memory anyway."""
    from django.db import connection  # the firmware's tests need no Django

    if connection.vendor != "sqlite":
        request.getfixturevalue("django_db_modify_db_settings_parallel_suffix")


@pytest.fixture(params=list(interpreters.INTERPRETERS))
def interpreter(request: pytest.FixtureRequest) -> str:
    """Name of each MicroPython in turn."""
    try:
        interpreters.command(request.param)
    except interpreters.InterpreterMissing as error:
        parts.missing(str(error))
    return str(request.param)


@pytest.fixture
def run_on_micropython(interpreter: str) -> Callable[..., str]:
    """Run plain test modules inside each MicroPython; fail with its output if any fails."""

    def run(*modules: str, heap: str | None = None) -> str:
        done = interpreters.run(interpreter, [RUNNER, *modules], heap=heap)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def run_on_board(interpreter: str, tmp_path: Path) -> Callable[..., str]:
    """Run plain test modules inside each MicroPython, on the simulated board's hardware."""

    def run(*modules: str, heap: str | None = None) -> str:
        done = interpreters.run(
            interpreter,
            [RUNNER, *modules],
            paths=(SIMULATED_BOARD, interpreters.REPOSITORY),
            heap=heap,
            folder=tmp_path,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def mosquitto() -> str:
    """Path of the Mosquitto broker."""
    return parts.program("mosquitto", "/usr/sbin", "/usr/local/sbin")


@pytest.fixture(scope="session")
def postgresql() -> str:
    """Folder of PostgreSQL's server programs (initdb, postgres)."""
    return parts.program("initdb", "/usr/lib/postgresql/*/bin").removesuffix("/initdb")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the Chromium that page tests drive."""
    return parts.program("chromium")
