"""`prepay audit verify` on a database of its own, tampered with by SQL, on both engines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.testing.postgresql import Cluster, PostgresqlMissing, programs

PREPAY = (sys.executable, "-c", "from tools.prepay import main; main()")
WRITE = """
import django; django.setup()
from datetime import UTC, datetime
from headend.accounts.services import console_user
from headend.audit.services import record
user = console_user()
for number in range(4):
    record(actor=user, action="test.act", target=user, at=datetime.now(UTC),
           after={"number": number})
"""


class Installation:
    """A head-end with a data folder and a database, worked by its own commands."""

    def __init__(self, data: Path, url: str) -> None:
        self.data = data
        self.url = url
        self._environment = dict(
            os.environ,
            OPENPREPAY_DATA=str(data),
            DATABASE_URL=url,
            DJANGO_SETTINGS_MODULE="headend.config.settings",
        )

    def python(self, *arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], env=self._environment, check=True)

    def manage(self, *arguments: str) -> None:
        self.python("-m", "headend.manage", *arguments)

    def verify(self, *arguments: str, status: int) -> dict[str, Any]:
        done = subprocess.run(
            [*PREPAY, "audit", "verify", "--json", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr + done.stdout
        facts: dict[str, Any] = json.loads(done.stdout)
        return facts

    def sql(self, *statements: str) -> None:
        """Change the database as its owner, triggers switched off."""
        if self.url.startswith("sqlite"):
            import sqlite3

            with sqlite3.connect(self.url.removeprefix("sqlite:///")) as database:
                triggers = database.execute(
                    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
                ).fetchall()
                for name, _ in triggers:
                    database.execute(f"DROP TRIGGER {name}")
                for statement in (*statements, *(again for _, again in triggers)):
                    database.execute(statement)
            return
        import psycopg

        with psycopg.connect(self.url.replace("postgres://", "postgresql://")) as connection:
            connection.execute("SET session_replication_role = replica")
            for statement in statements:
                connection.execute(statement.encode())


@pytest.fixture(params=["sqlite", "postgresql"])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """A migrated installation with a few entries."""

    def prepared(url: str) -> Installation:
        made = Installation(tmp_path, url)
        made.manage("migrate", "-v0")
        made.python("-c", WRITE)
        return made

    if request.param == "sqlite":
        yield prepared(f"sqlite:///{tmp_path / 'headend.sqlite3'}")
        return
    try:
        programs()
    except PostgresqlMissing as missing:
        pytest.skip(str(missing))
    with Cluster() as cluster:
        yield prepared(cluster.url)


def test_the_record_is_sealed_checked_and_tampering_found(installation: Installation) -> None:
    assert installation.verify(status=0)["waiting"] == 4
    installation.manage("seal_audit", "--once")
    sound = installation.verify(status=0)
    assert (sound["links"], sound["waiting"], sound["published"]) == (4, 0, 1)
    assert sound["signatures_checked"]
    installation.sql("UPDATE audit_auditentry SET reason = 'for fun' WHERE id = 2")
    found = installation.verify("--database", installation.url, status=1)
    assert [one["code"] for one in found["findings"]] == ["entry_changed"]
    with pytest.raises(Exception, match="append-only"):
        _update_with_triggers(installation)


def _update_with_triggers(installation: Installation) -> None:
    statement = "UPDATE audit_auditentry SET reason = 'for fun'"
    if installation.url.startswith("sqlite"):
        import sqlite3

        with sqlite3.connect(installation.url.removeprefix("sqlite:///")) as database:
            database.execute(statement)
        return
    import psycopg

    with psycopg.connect(installation.url.replace("postgres://", "postgresql://")) as connection:
        connection.execute(statement.encode())


def test_a_database_out_of_reach_is_not_a_finding(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PREPAY, "audit", "verify"],
        env=dict(
            os.environ,
            OPENPREPAY_DATA=str(tmp_path),
            DATABASE_URL=f"sqlite:///{tmp_path}/nowhere/none.sqlite3",
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "no answer from the database" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("--database", "rubbish"), ("--database", "mysql://x"), ("--seals", "nowhere")],
)
def test_a_slip_of_the_finger_is_not_a_finding_either(
    arguments: tuple[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [*PREPAY, "audit", "verify", *arguments],
        cwd=tmp_path,
        env=dict(os.environ, OPENPREPAY_DATA=str(tmp_path), PYTHONPATH=os.getcwd()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert arguments[0] in done.stderr
    assert "Traceback" not in done.stderr
