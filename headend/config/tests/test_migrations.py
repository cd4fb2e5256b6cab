"""Migrations: none is missing, and with a database that is in use they go back and forth."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

import headend
from headend.testing_processes import run

# Migrations that can't be undone, and why; their first lines say so too.
ONE_WAY: dict[str, str] = {}
FLAGS = re.DOTALL | re.MULTILINE
TRIGGERS = {
    "sqlite": "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' GROUP BY tbl_name"
    " HAVING sum(name = tbl_name || '_no_update') AND sum(name = tbl_name || '_no_delete')",
    "postgresql": "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
    " WHERE t.tgname IN (c.relname || '_append_only', c.relname || '_never_changes')"
    " AND t.tgenabled = 'O'",
}


@pytest.mark.django_db
def test_the_models_are_as_the_migrations_leave_them() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.django_db
def test_each_migration_can_be_undone_or_says_why_not() -> None:
    migrations = MigrationLoader(connection).disk_migrations
    one_way = {
        f"{app}.{name}"
        for (app, name), migration in migrations.items()
        if migration.__module__.startswith("headend.")
        and not all(operation.reversible for operation in migration.operations)
    }
    assert one_way == set(ONE_WAY)


@pytest.mark.django_db
def test_tables_that_were_closed_to_change_still_are() -> None:
    """A migration that rebuilds a table on SQLite loses its triggers, and must close it again."""
    folder = Path(headend.__file__).parent
    closed = {
        table
        for path in folder.glob("*/migrations/*.py")
        for call in re.findall(
            r"append_only\((.*?)\)|^TABLES = \((.*?)\)", path.read_text(), FLAGS
        )
        for table in re.findall(r'"(\w+)"', "".join(call))
    }
    assert len(closed) > 10
    with connection.cursor() as cursor:
        cursor.execute(TRIGGERS[connection.vendor])
        assert closed - {table for (table,) in cursor.fetchall()} == set()


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite has INSERT OR REPLACE")
def test_tables_that_were_closed_to_change_are_closed_to_replacing_too() -> None:
    with connection.cursor() as cursor:
        cursor.execute(TRIGGERS["sqlite"])
        closed = {table for (table,) in cursor.fetchall()}
        cursor.execute("SELECT tbl_name FROM sqlite_master WHERE name = tbl_name || '_no_replace'")
        not_replaced = {table for (table,) in cursor.fetchall()}
    assert closed - not_replaced == set()


def test_a_database_in_use_goes_back_and_forth(
    environment: dict[str, str],
    manage: Callable[..., str],
) -> None:
    manage("migrate", "accounts", "zero", "-v0")
    undone = manage("showmigrations", "--list")
    ours = undone.partition("vending\n")[2]
    assert ours
    assert "[X]" not in ours.partition("\n\n")[0]
    manage("migrate", "-v0")
    manage("seed_demonstration", "-v0")


@pytest.fixture
def manage(environment: dict[str, str]) -> Callable[..., str]:
    def manage(*arguments: str) -> str:
        printed: Any = run(environment, "-m", "headend.manage", *arguments, "--skip-checks")
        return str(printed)

    return manage
