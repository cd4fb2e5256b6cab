"""Run the housekeeping: the checks of each night, and what expires."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from headend.config import workers
from headend.housekeeping import services, worker


class Command(BaseCommand):
    """Work until told to stop by SIGTERM or Ctrl-C."""

    help = (
        "Do each capability's chores when they are due: prove the ledger, look at the audit "
        "record, forget what has expired."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer to do only what is due now."""
        parser.add_argument(
            "--once", action="store_true", help="do what is due, then end; 1 if not all is well"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal comes, or once."""
        if options["once"]:
            done = services.do_due()
            for record in done:
                self.stdout.write(f"{record.name}: {record.told}")
            if not all(record.is_well for record in done):
                raise CommandError("not all is well; see above")
            return
        workers.run(housekeeping=worker.run)
