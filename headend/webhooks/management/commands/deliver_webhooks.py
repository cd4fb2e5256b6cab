"""Run the worker that sends events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from headend.config import workers
from headend.webhooks.sending import Sender
from headend.webhooks.services import allowed_networks
from headend.webhooks.worker import Worker


class Command(BaseCommand):
    """Work until told to stop by SIGTERM or Ctrl-C."""

    help = "Send events to the addresses of other programs (webhooks)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer to send only what is there."""
        parser.add_argument("--once", action="store_true", help="send what is due, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal comes, or once."""
        sender = Sender(allowed_networks(), authorities=settings.WEBHOOK_AUTHORITIES)
        worker = Worker(sender)
        if options["once"]:
            while not worker.step(at=datetime.now(UTC)):
                pass
            worker.finish()
            return
        workers.run(webhooks=worker.run)
