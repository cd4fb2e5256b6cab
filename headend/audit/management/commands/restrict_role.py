"""Set up the application's role in PostgreSQL."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from headend.audit import roles

PASSWORD_VARIABLE = "OPENPREPAY_ROLE_PASSWORD"  # noqa: S105 - the name of a variable


class Command(BaseCommand):
    """Run it as the owner of the tables, after each `migrate`."""

    help = (
        "Create the PostgreSQL role that the application connects as, if there is none, and let "
        "it add to the append-only tables but not change them. A password is taken from "
        f"{PASSWORD_VARIABLE}."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the role's name."""
        parser.add_argument("role", help="for example openprepay_app")

    def handle(self, *args: Any, **options: Any) -> None:
        """Grant, and say what is protected."""
        password = os.environ.get(PASSWORD_VARIABLE)
        try:
            tables = roles.restrict(options["role"], password=password)
        except (roles.NotPostgresql, roles.RoleRefused, ValueError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{options['role']} may add to but not change: {', '.join(tables)}")
