"""Which role can be the application's: one that nothing else gives the rights of the owner."""

from __future__ import annotations

import pytest
from django.db import connection

from headend.audit import roles

pytestmark = pytest.mark.django_db

needs_postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="only PostgreSQL has roles"
)


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.mark.skipif("connection.vendor == 'postgresql'", reason="PostgreSQL has roles")
def test_a_database_without_roles_says_so() -> None:
    with pytest.raises(roles.NotPostgresql, match="owner owns all"):
        roles.restrict("openprepay_app", password=None)


@needs_postgresql
@pytest.mark.parametrize(
    ("made", "why"),
    [
        ("CREATE ROLE some_app SUPERUSER", "has the rights of"),
        ("CREATE ROLE some_app IN ROLE CURRENT_USER", "has the rights of"),
        ("CREATE ROLE some_app CREATEROLE", "may create roles"),
    ],
)
def test_a_role_that_nothing_would_hold_back_is_refused(made: str, why: str) -> None:
    run(made)
    with pytest.raises(roles.RoleRefused, match=why):
        roles.restrict("some_app", password=None)


@needs_postgresql
def test_the_owner_does_not_restrict_itself() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        owner = cursor.fetchone()[0]
    with pytest.raises(roles.RoleRefused, match="name another role"):
        roles.restrict(owner, password=None)


@needs_postgresql
def test_who_owns_no_table_or_may_not_create_roles_is_told_what_to_do() -> None:
    run("CREATE ROLE some_owner", "SET LOCAL ROLE some_owner")
    with pytest.raises(roles.RoleRefused, match="connect as the role that ran migrate"):
        roles.restrict("some_app", password=None)
    run("RESET ROLE", "ALTER TABLE audit_link OWNER TO some_owner", "SET LOCAL ROLE some_owner")
    with pytest.raises(roles.RoleRefused, match="CREATE ROLE some_app LOGIN"):
        roles.restrict("some_app", password="x")
