"""Run all background workers in one process, for an installation on one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from headend.audit.worker import Worker as Sealer
from headend.config import workers
from headend.exchange.worker import Worker as Importer
from headend.housekeeping import worker as housekeeper
from headend.webhooks.sending import Sender
from headend.webhooks.services import allowed_networks
from headend.webhooks.worker import Worker as Teller


class Command(BaseCommand):
    """Work until told to stop by SIGTERM or Ctrl-C; end with an error if one worker does."""

    help = (
        "Run the sealer of the audit record, housekeeping, webhooks and imports side by side. "
        "Each has a command of its own as well, for larger installations."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal comes."""
        sender = Sender(allowed_networks(), authorities=settings.WEBHOOK_AUTHORITIES)
        workers.run(
            sealer=Sealer(Path(settings.AUDIT_SEALS)).run,
            housekeeping=housekeeper.run,
            webhooks=Teller(sender).run,
            imports=lambda stop: Importer(stop).run(),
        )
