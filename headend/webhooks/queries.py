"""Reads of webhooks for pages and programs."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet

from headend.accounts.models import User
from headend.webhooks.models import Delivery, Subscription

_WAITING = Q(deliveries__state=Delivery.State.PENDING)
_DEAD = Q(deliveries__state=Delivery.State.DEAD)


def webhooks(program: User | None = None) -> QuerySet[Subscription]:
    """Return webhooks with how much waits and was given up, the newest first.

    Args:
        program: only those of this program.
    """
    found = Subscription.objects.select_related("program", "created_by")
    if program is not None:
        found = found.filter(program=program)
    counted = found.annotate(
        waiting=Count("deliveries", filter=_WAITING), dead=Count("deliveries", filter=_DEAD)
    )
    return counted.order_by("-pk")


def deliveries(*, state: str = "") -> QuerySet[Delivery]:
    """Return deliveries, the latest first.

    Args:
        state: only those in this one.
    """
    found = Delivery.objects.select_related("event", "subscription__program").order_by("-pk")
    return found.filter(state=state) if state in Delivery.State.values else found
