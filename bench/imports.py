"""A sheet of meters and an installed base imported, beside the same rows written bare.

The head-end's runner works as in production: PostgreSQL, a result of each row, checks, ledger and
audit entries. The peer writes the rows that the import has left, table by table, with psycopg's
`executemany` into another database: the same columns, indexes and triggers, no rules.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from bench.result import Result
from tools.testing.postgresql import Cluster

ROWS = {"meters": 1500, "take-over": 800}
ROUNDS = 3
_TABLES = (
    "meters_meter",
    "customers_customer",
    "customers_premises",
    "customers_supplyagreement",
    "vending_openinguse",
    "ledger_account",
    "debts_debt",
    "ledger_line",
    "ledger_entry",
    "exchange_sheet",
    "exchange_job",
    "audit_auditentry",
    "exchange_rowresult",
)

Rows = dict[str, tuple[list[str], list[tuple[Any, ...]]]]  # by table: columns and rows


def run() -> list[Result]:
    """Import and write bare in turns."""
    rates: dict[str, list[tuple[float, float]]] = {kind: [] for kind in ROWS}
    with Cluster(durable=True) as cluster, TemporaryDirectory(prefix="openprepay-bench-") as data:
        environment = {
            **os.environ,
            "DATABASE_URL": cluster.url,
            "OPENPREPAY_DATA": data,
            "OPENPREPAY_DEMONSTRATION": "1",
            "OPENPREPAY_LOG_LEVEL": "CRITICAL",
            "DJANGO_SETTINGS_MODULE": "headend.config.settings",
        }
        _import(environment, "meters", 0, 0)
        with psycopg.connect(cluster.url_of("template1"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE peer TEMPLATE postgres")
        for number in range(ROUNDS):
            for kind, rows in ROWS.items():
                before = _last_ids(cluster.url)
                seconds = _import(environment, kind, number, rows)
                bare = _write(cluster.url_of("peer"), _written(cluster.url, before))
                rates[kind].append((rows / seconds, rows / bare))
    return [
        Result(
            f"import_{kind.replace('-', '_')}",
            statistics.median(ours for ours, _ in some),
            "rows/s",
            "executemany of the same rows",
            statistics.median(bare for _, bare in some),
            ROUNDS,
        )
        for kind, some in rates.items()
    ]


def _import(environment: dict[str, str], kind: str, number: int, rows: int) -> float:
    """Import so many rows in a process of its own; return how many seconds the runner took."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.importing.sheet", kind, str(number), str(rows)],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])


def _last_ids(url: str) -> dict[str, int]:
    statement = sql.SQL("SELECT coalesce(max(id), 0) FROM {}")
    with psycopg.connect(url) as connection:
        return {
            table: connection.execute(statement.format(sql.Identifier(table))).fetchall()[0][0]
            for table in _TABLES
        }


def _written(url: str, before: dict[str, int]) -> Rows:
    """Return what was added to each table since."""
    statement = sql.SQL("SELECT * FROM {} WHERE id > %s ORDER BY id")
    found: Rows = {}
    with psycopg.connect(url) as connection:
        for table, last in before.items():
            cursor = connection.execute(statement.format(sql.Identifier(table)), [last])
            columns = [column.name for column in cursor.description or ()]
            found[table] = columns, [tuple(map(_sent, row)) for row in cursor.fetchall()]
    return found


def _sent(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, dict | list) else value


def _write(url: str, rows: Rows) -> float:
    """Write rows in one transaction; return how many seconds it took."""
    with psycopg.connect(url) as connection:
        began = time.perf_counter()
        with connection.transaction(), connection.cursor() as cursor:
            for table, (columns, some) in rows.items():
                statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                    sql.Identifier(table),
                    sql.SQL(", ").join(map(sql.Identifier, columns)),
                    sql.SQL(", ").join(sql.Placeholder() * len(columns)),
                )
                cursor.executemany(statement, some)
        return time.perf_counter() - began
