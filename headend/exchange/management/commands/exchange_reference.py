"""Write the tables of columns in docs/exchange.md anew."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from headend.exchange import reference


class Command(BaseCommand):
    """For developers: run it after changing a column of a sheet."""

    help = "Write the tables of docs/exchange.md anew from the code."

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace the tables."""
        path = settings.REPOSITORY / "docs" / "exchange.md"
        path.write_text(reference.with_columns(path.read_text()))
