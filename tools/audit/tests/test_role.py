"""The application's role in PostgreSQL sells, and can't touch what was sold or recorded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tools.testing.postgresql import Cluster, PostgresqlMissing, programs

ROLE = "openprepay_app"
PREPAY = "from tools.prepay import main; main()"


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    try:
        programs()
    except PostgresqlMissing as missing:
        pytest.skip(str(missing))
    with Cluster() as running:
        yield running


def run(url: str, data: Path, *arguments: str) -> str:
    environment = dict(
        os.environ, DATABASE_URL=url, OPENPREPAY_DATA=str(data), OPENPREPAY_DEMONSTRATION="1"
    )
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def as_role(url: str) -> str:
    return url.replace("postgres://openprepay@", f"postgres://{ROLE}@")


def test_the_role_works_and_changes_nothing_of_the_past(cluster: Cluster, tmp_path: Path) -> None:
    owner, role = cluster.url, as_role(cluster.url)
    run(owner, tmp_path, "-m", "headend.manage", "migrate", "-v0")
    run(owner, tmp_path, "-m", "headend.manage", "restrict_role", ROLE)
    run(role, tmp_path, "-m", "headend.manage", "seed_demonstration")
    drn = _first_meter(role)
    sale = json.loads(
        run(role, tmp_path, "-c", PREPAY, "vend", "--meter", drn, "--amount", "50", "--json")
    )
    assert sale["tokens"]
    run(role, tmp_path, "-m", "headend.manage", "seal_audit", "--once")
    report = json.loads(run(role, tmp_path, "-c", PREPAY, "audit", "verify", "--json"))
    assert report["is_sound"]
    assert report["links"] > 5
    with psycopg.connect(role.replace("postgres://", "postgresql://"), autocommit=True) as wire:
        for table in (
            *("audit_auditentry", "audit_link", "ledger_entry", "ledger_line"),
            *("vending_sale", "vending_saleline", "vending_issuedtoken"),
        ):
            for statement in (
                f"UPDATE {table} SET {_column(wire, table)} = NULL",
                f"DELETE FROM {table}",
                f"TRUNCATE {table} CASCADE",
                f"SELECT 1 FROM {table} FOR UPDATE",
                f"ALTER TABLE {table} DISABLE TRIGGER ALL",
                f"DROP TABLE {table} CASCADE",
                f"DROP TRIGGER {table}_append_only ON {table}",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    wire.execute(statement.encode())
        for statement in (
            "SET session_replication_role = replica",
            "CREATE TABLE mine (id int)",
            "CREATE OR REPLACE FUNCTION audit_link_refuse() RETURNS trigger LANGUAGE plpgsql "
            "AS $$ BEGIN RETURN NULL; END $$",
            "INSERT INTO django_migrations (app, name, applied) VALUES ('a', 'b', now())",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                wire.execute(statement.encode())


def _first_meter(url: str) -> str:
    with psycopg.connect(url.replace("postgres://", "postgresql://")) as wire:
        row = wire.execute("SELECT drn FROM meters_meter ORDER BY id LIMIT 1").fetchone()
    assert row is not None
    return str(row[0])


def _column(wire: psycopg.Connection[tuple[object, ...]], table: str) -> str:
    row = wire.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s LIMIT 1",
        [table],
    ).fetchone()
    assert row is not None
    return str(row[0])
