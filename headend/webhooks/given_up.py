"""Events that were given up are somebody's work: one item for each webhook, until none is left.

It is opened in the transaction that gives up, and closes itself when all were asked for again or
have been forgotten, or the webhook was ended.
"""

from __future__ import annotations

from datetime import datetime

from headend.fleet.models import WorkItem
from headend.fleet.work_items import open_work_item
from headend.webhooks.models import Delivery, Subscription

_KIND = "webhook"


def tell(webhook: Subscription, *, why: str, at: datetime) -> None:
    """Have a person look at a webhook of which an event was given up just now.

    Args:
        webhook: which.
        why: what became of the last attempt, in words; may be empty.
        at: now.
    """
    said = f" ({why})" if why else ""
    open_work_item(
        kind=_KIND,
        cause=_cause(webhook),
        summary=f"{webhook} is not told everything{said}: see what was given up under Webhooks, "
        "and send it again once it answers",
        at=at,
    )


def look_again(webhook: Subscription, *, at: datetime) -> None:
    """Close a webhook's item if nothing of it is given up any more, or nobody is told by it."""
    is_living = webhook.state != Subscription.State.ENDED
    dead = Delivery.objects.filter(subscription=webhook, state=Delivery.State.DEAD)
    if not (is_living and dead.exists()):
        WorkItem.objects.filter(cause=_cause(webhook), closed_at=None).update(closed_at=at)


def look_at_all(*, at: datetime) -> None:
    """Close the items of which events were forgotten since."""
    items = WorkItem.objects.filter(kind=_KIND, closed_at=None).values_list("cause", flat=True)
    open_ones = set(items)
    if not open_ones:
        return
    for webhook in Subscription.objects.all():
        if _cause(webhook) in open_ones:
            look_again(webhook, at=at)


def _cause(webhook: Subscription) -> str:
    return f"events given up of webhook {webhook.pk}"
