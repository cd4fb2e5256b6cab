"""Reads of the outbox of messages to people."""

from __future__ import annotations

from django.db.models import QuerySet

from headend.notifications.models import Notification


def recent(limit: int = 50) -> QuerySet[Notification]:
    """Return the latest messages, newest first."""
    return Notification.objects.order_by("-id")[:limit]
