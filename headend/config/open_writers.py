"""Who is writing to a table right now: until when a lower number may still appear in it.

PostgreSQL gives new rows their numbers when they are written and shows them when their
transaction commits, so a lower number can appear after a higher one. Whoever inserts holds the
table's lock from before numbers are given until the transaction ends. So once all transactions
that held it at some moment have ended, nothing can come below a number that was seen before that
moment, however long it took them. It holds for tables whose numbers are given by the insertion
itself, not taken ahead.
"""

from __future__ import annotations

from django.db import connection, models

_WRITERS = """
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = %s::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND mode = 'RowExclusiveLock' AND granted AND pid IS DISTINCT FROM pg_backend_pid()
"""


def writers_of(model: type[models.Model]) -> set[str]:
    """Return the transactions of others that write to a model's table now, by names of their own.

    On SQLite there are none: one transaction writes at a time, so numbers appear in their order.
    """
    if connection.vendor != "postgresql":
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_WRITERS, [model._meta.db_table])
        return {row[0] for row in cursor.fetchall()}
