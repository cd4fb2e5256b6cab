"""Deliver the messages that are due and leave; the gateway does the same all the time."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from headend.notifications import carriers, services


class Command(BaseCommand):
    """Deliver due notifications once."""

    help = "Deliver the notifications that are due."

    def handle(self, *args: Any, **options: Any) -> None:
        """Deliver until nothing is due."""
        carrier = carriers.configured(settings.NOTIFICATION_URLS)
        while services.deliver_due(carrier=carrier, at=timezone.now()):
            pass
