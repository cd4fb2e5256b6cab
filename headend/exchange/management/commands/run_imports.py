"""Run the process that works on imports."""

from __future__ import annotations

import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from headend.config import workers
from headend.exchange.worker import Worker


class Command(BaseCommand):
    """Work until told to stop by SIGTERM or Ctrl-C."""

    help = "Work on the sheets that were handed in."

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer to do only what is there."""
        parser.add_argument("--once", action="store_true", help="do what is there, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal comes, or once."""
        if options["once"]:
            worker = Worker(threading.Event())
            while not worker.step():
                pass
            return
        workers.run(imports=lambda stop: Worker(stop).run())
