"""Run the sealer of the audit record."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from headend.audit.worker import Worker
from headend.config import workers


class Command(BaseCommand):
    """Work until told to stop by SIGTERM or Ctrl-C."""

    help = "Seal audit entries into the hash chain and publish its ends outside the database."

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer to seal only what is there."""
        parser.add_argument("--once", action="store_true", help="seal what is there, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal comes, or once."""
        worker = Worker(Path(settings.AUDIT_SEALS))
        if options["once"]:
            while not worker.step(at=datetime.now(UTC)):
                pass
            worker.publish()
            return
        workers.run(sealer=worker.run)
