"""Write the table of operations in docs/api.md anew."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from headend.api import reference


class Command(BaseCommand):
    """For developers: run it after changing an operation."""

    help = "Write the table of operations in docs/api.md anew from the code."

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace the table."""
        path = settings.REPOSITORY / "docs" / "api.md"
        path.write_text(reference.with_operations(path.read_text()))
