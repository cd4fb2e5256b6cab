"""Migration operations for constraints enforced by triggers, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import migrations


def sql(
    *,
    sqlite: Sequence[str] = (),
    postgresql: Sequence[str] = (),
    undo_sqlite: Sequence[str] = (),
    undo_postgresql: Sequence[str] = (),
) -> migrations.RunPython:
    """Return an operation that runs each database's own statements, and takes them back."""
    forward = {"sqlite": sqlite, "postgresql": postgresql}
    backward = {"sqlite": undo_sqlite, "postgresql": undo_postgresql}

    def run(statements: dict[str, Sequence[str]]) -> Any:
        def execute(_: Any, schema_editor: Any) -> None:
            for statement in statements[schema_editor.connection.vendor]:
                schema_editor.execute(statement, params=None)

        return execute

    return migrations.RunPython(run(forward), run(backward))


def append_only(table: str, *, rows_are_locked: bool = False) -> migrations.RunPython:
    """Return an operation that has the database refuse to change or delete a table's rows.

    The application's role in PostgreSQL loses the right to, too, by the trigger's name; except
    where rows are locked, which asks for that very right: there the trigger alone refuses.

    On SQLite a later migration that rebuilds the table loses its triggers and must add them anew;
    going back, a migration that added a column rebuilds it, so they may be gone already.
    """
    message = f"{table} is append-only"
    trigger = f"{table}_{'never_changes' if rows_are_locked else 'append_only'}"
    return sql(
        sqlite=[
            f"""CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table}
                BEGIN SELECT RAISE(ABORT, '{message}'); END"""
            for event in ("UPDATE", "DELETE")
        ],
        postgresql=[
            f"""CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    RAISE EXCEPTION '{message}'
                        USING ERRCODE = 'integrity_constraint_violation';
                END $$""",
            f"""CREATE TRIGGER {trigger} BEFORE UPDATE OR DELETE OR TRUNCATE
                ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()""",
        ],
        undo_sqlite=[
            f"DROP TRIGGER IF EXISTS {table}_no_{event}" for event in ("update", "delete")
        ],
        undo_postgresql=[
            f"DROP TRIGGER {trigger} ON {table}",
            f"DROP FUNCTION {table}_refuse()",
        ],
    )


def never_replaced(table: str, *, by_key_only: bool = False) -> migrations.RunPython:
    """Return an operation that has SQLite refuse to INSERT OR REPLACE an append-only table's row.

    SQLite deletes what is replaced without asking the trigger of deletions (unless the connection
    wants `recursive_triggers`, and whoever edits by hand does not). So a row that has the key, or
    any other unique fields, of one that is there is refused before it is written.

    A row put in `OR IGNORE` would be refused instead: for such a table let only the key count,
    which those rows don't have yet. What replaces by other fields then leaves references to the
    key that is gone.
    """
    trigger = f"{table}_no_replace"

    def run(_: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor != "sqlite":
            return
        unique = _unique_on_sqlite(schema_editor.connection, table)
        same = " OR ".join(
            "(" + " AND ".join(f"{field} = NEW.{field}" for field in fields) + ")"
            for fields in (unique[:1] if by_key_only else unique)
        )
        statement = f"""CREATE TRIGGER {trigger} BEFORE INSERT ON {table}
            WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})
            BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"""  # noqa: S608, own names
        schema_editor.execute(statement, params=None)

    undo = sql(undo_sqlite=[f"DROP TRIGGER IF EXISTS {trigger}"]).reverse_code
    return migrations.RunPython(run, undo)


def _unique_on_sqlite(connection: Any, table: str) -> list[list[str]]:
    """Return the fields of a table's key, and those of each of its other unique constraints."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pragma_table_info(%s) WHERE pk", [table])
        unique = [[name for (name,) in cursor.fetchall()]]
        cursor.execute(
            """SELECT i.name, c.name FROM pragma_index_list(%s) i, pragma_index_info(i.name) c
               WHERE i."unique" AND NOT i.partial AND i.origin <> 'pk' ORDER BY i.name, c.seqno""",
            [table],
        )
        fields: dict[str, list[str]] = {}
        for index, name in cursor.fetchall():
            fields.setdefault(index, []).append(name)
    return [*unique, *fields.values()]


def lifted(operation: migrations.RunPython) -> migrations.RunPython:
    """Return the operation that takes another back: for a table that must be changed once."""
    undo = operation.reverse_code
    assert undo is not None, "what can't be taken back can't be lifted"
    return migrations.RunPython(undo, operation.code)


def open_to_change(table: str) -> migrations.RunPython:
    """Return an operation that takes `append_only` back, so that a migration can change rows.

    The migration that comes after must close the table again.
    """
    return lifted(append_only(table))
