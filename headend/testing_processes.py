"""For tests with real processes: seeded databases to copy, and scripts run in step."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

DATABASE = "headend.sqlite3"


class Seeded:
    """A migrated database with the demonstration's customers, and the data folder beside it.

    It is of the kind that the suite runs on.

    Args:
        folder: empty; becomes the data folder that others are copies of.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copies = 0
        self._template = f"seeded_{os.getpid()}"
        environment = self._environment(folder, self._template)
        for command in (["migrate"], ["seed_demonstration", "--without-vendor"]):
            run(environment, "-m", "headend.manage", *command, "--skip-checks", "-v0")

    def copy(self, folder: Path) -> dict[str, str]:
        """Return the environment of processes that share a copy, whose data folder this is."""
        shutil.copytree(self._folder, folder, dirs_exist_ok=True)
        self._copies += 1
        return self._environment(
            folder, f"{self._template}_{self._copies}", template=self._template
        )

    def _environment(self, folder: Path, name: str, *, template: str = "") -> dict[str, str]:
        environment = dict(os.environ, OPENPREPAY_DATA=str(folder), OPENPREPAY_DEMONSTRATION="1")
        database: Any = connection.settings_dict
        if connection.vendor == "sqlite":
            return environment | {"DATABASE_URL": f"sqlite:///{folder / DATABASE}"}
        with connection._nodb_cursor() as cursor:
            like = f' TEMPLATE "{template}"' if template else ""
            cursor.execute(f'CREATE DATABASE "{name}"{like}')
        host = database["OPTIONS"]["host"]
        return environment | {"DATABASE_URL": f"postgres://{database['USER']}@/{name}?host={host}"}


def run_together(environment: Mapping[str, str], script: str, *, count: int) -> list[Any]:
    """Run a script in several processes that begin at one moment, so that they do meet.

    Args:
        environment: of each of them.
        script: prints "ready" when all is set up, waits for a line, and prints its answer as
            JSON; its first argument is its number, 0..count-1.
        count: how many processes.

    Returns:
        The answers, by number.
    """
    workers = [
        subprocess.Popen(  # noqa: S603  what the tests say
            [sys.executable, "-c", script, str(number)],
            env=environment,
            cwd=settings.REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    answers = []
    for worker in workers:
        out, errors = worker.communicate(timeout=180)
        assert worker.returncode == 0, errors
        answers.append(json.loads(out))
    return answers


def run(environment: Mapping[str, str], *arguments: str) -> str:
    """Run a Python program of the head-end to its end and return what it printed."""
    done = subprocess.run(  # noqa: S603  what the tests say
        [sys.executable, *arguments],
        env=environment,
        cwd=settings.REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
