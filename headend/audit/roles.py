"""The application's role in PostgreSQL, which owns nothing and can't change past rows.

The owner migrates; pages, gateway and sealer connect as the role. It may add rows to every table
and change those that are meant to change. It may neither update nor delete rows of append-only
tables, and since it does not own them it can't lift their triggers either.
"""

from __future__ import annotations

import re
from typing import Any

from django.db import ProgrammingError, connection, transaction

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_READ_ONLY = "django_migrations"

_APPEND_ONLY_TABLES = """
    SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger
    WHERE NOT tgisinternal AND tgname LIKE '%\\_append\\_only'
"""
_ABOVE_THE_RULES = """
    SELECT CASE
        WHEN rolname = current_user OR pg_has_role(rolname, current_user, 'MEMBER')
            THEN 'has the rights of ' || current_user || ', who owns the tables'
        WHEN rolcreaterole THEN 'may create roles, and so become another'
        END
    FROM pg_roles WHERE rolname = %s
"""
_TABLES = """
    SELECT quote_ident(tablename) FROM pg_tables
    WHERE schemaname = current_schema() AND tableowner = current_user ORDER BY 1
"""


class NotPostgresql(Exception):
    """Only PostgreSQL has roles."""


class RoleRefused(Exception):
    """The role would not be restricted by this; says why and what to do."""


@transaction.atomic
def restrict(role: str, *, password: str | None) -> list[str]:
    """Create a role if there is none, and give it what the application needs and no more.

    Call it as the owner of the tables, again after each migration.

    Args:
        role: its name: lower case letters, digits and underscores.
        password: to set; None leaves the one it has, or none.

    Returns:
        list: the tables whose rows the role may add and read only.

    Raises:
        NotPostgresql: the database is of another kind.
        RoleRefused: the role has rights that nothing here takes away, or whoever calls this may
            not create it or does not own the tables.
        ValueError: the name is not one.
    """
    if connection.vendor != "postgresql":
        raise NotPostgresql("only PostgreSQL has roles; on SQLite the file's owner owns all")
    if not _NAME.fullmatch(role):
        raise ValueError(f"{role!r} is no role's name: lower case letters, digits, underscores")
    from psycopg import sql

    with connection.cursor() as cursor:
        name = sql.Identifier(role)

        def grant(statement: str) -> None:
            cursor.execute(sql.SQL(statement).format(role=name))

        tables = _column(cursor, _TABLES)
        if not tables:
            raise RoleRefused("you own no table here: connect as the role that ran migrate")
        cursor.execute(_ABOVE_THE_RULES, [role])
        found = cursor.fetchone()
        if found and found[0]:
            raise RoleRefused(f"{role} {found[0]}: nothing holds it back; name another role")
        try:
            if found is None:
                grant("CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
            if password is not None:
                cursor.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(password))
                )
        except ProgrammingError:
            raise RoleRefused(
                "you may not create roles or set their passwords: have the database's "
                f"administrator CREATE ROLE {role} LOGIN PASSWORD '...', then run this again "
                "without a password"
            ) from None
        cursor.execute("SELECT quote_ident(current_schema())")
        schema = cursor.fetchone()[0]
        append_only = _column(cursor, _APPEND_ONLY_TABLES)
        grant(f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC")
        grant(f"GRANT USAGE ON SCHEMA {schema} TO {{role}}")
        for table in tables:
            grant(f"REVOKE ALL ON {table} FROM {{role}}")
            grant(f"GRANT {_rights(table, append_only)} ON {table} TO {{role}}")
        grant(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {{role}}")
    return sorted(append_only)


def _rights(table: str, append_only: list[str]) -> str:
    if table == _READ_ONLY:
        return "SELECT"
    if table in append_only:
        return "SELECT, INSERT"
    return "SELECT, INSERT, UPDATE, DELETE"


def _column(cursor: Any, query: str) -> list[str]:
    cursor.execute(query)
    return [row[0] for row in cursor.fetchall()]
