"""Write the tables of operations and of webhooks' kinds in docs/ anew."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from headend.api import reference


class Command(BaseCommand):
    """For developers: run it after changing an operation or a kind of event."""

    help = "Write the tables of docs/api.md and docs/webhooks.md anew from the code."

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace the tables."""
        for name, renewed in (
            ("api.md", reference.with_operations),
            ("webhooks.md", reference.with_kinds),
        ):
            path = settings.REPOSITORY / "docs" / name
            path.write_text(renewed(path.read_text()))
