"""Queue messages to people and deliver them; the only code that changes a notification."""

from __future__ import annotations

import datetime

from django.db import transaction

from headend.config.dueness import is_due
from headend.notifications.carriers import Carrier, NotDelivered
from headend.notifications.models import Notification

# Minutes before each further try: a carrier that is down for a day still gets the message.
RETRY_MINUTES = (1, 5, 15, 60, 240, 720, 1440)
LEASE = datetime.timedelta(minutes=2)
_LONGEST = datetime.timedelta(minutes=max(RETRY_MINUTES))


def notify(
    *,
    kind: str,
    key: str,
    recipient: str,
    phone: str,
    email: str,
    subject: str,
    body: str,
    at: datetime.datetime,
) -> Notification:
    """Put a message into the outbox, within the caller's transaction.

    Args:
        kind: what it is about, a short name such as "low_credit".
        key: names the occasion; a second message with the same key is not made.
        recipient: name of the person.
        phone: telephone number, or empty.
        email: mail address, or empty.
        subject: one line.
        body: the text.
        at: now.

    Returns:
        The message; the earlier one if the key was already used.
    """
    notification, _ = Notification.objects.get_or_create(
        key=key,
        defaults={
            "kind": kind,
            "recipient": recipient,
            "phone": phone,
            "email": email,
            "subject": subject,
            "body": body,
            "created_at": at,
            "next_attempt_at": at,
        },
    )
    return notification


def deliver_due(*, carrier: Carrier, at: datetime.datetime, limit: int = 20) -> int:
    """Deliver the messages that are due.

    Each is leased before the carrier sees it, so that two workers do not send it twice and one
    that dies in between only delays it.

    Args:
        carrier: who takes them.
        at: now.
        limit: most messages in one go.

    Returns:
        How many were handed to the carrier, delivered or not.
    """
    leased = _lease(at=at, limit=limit)
    for notification in leased:
        try:
            carrier.deliver(notification)
        except NotDelivered as error:
            _record_failure(notification, str(error), at=at)
        except Exception as error:  # a carrier's plug-in may raise anything
            _record_failure(notification, f"{type(error).__name__}: {error}", at=at)
        else:
            notification.state = Notification.State.SENT
            notification.sent_at = at
            notification.last_error = ""
            notification.save(update_fields=["state", "sent_at", "last_error"])
    return len(leased)


def _lease(*, at: datetime.datetime, limit: int) -> list[Notification]:
    ready = Notification.objects.filter(
        is_due("next_attempt_at", at=at, longest=_LONGEST), state=Notification.State.PENDING
    )
    if not ready.exists():  # the usual case, and it needs no lock
        return []
    with transaction.atomic():
        due = list(
            ready.select_for_update(skip_locked=True).order_by("next_attempt_at", "id")[:limit]
        )
        for notification in due:
            notification.attempts += 1
            notification.next_attempt_at = at + LEASE
            notification.save(update_fields=["attempts", "next_attempt_at"])
    return due


def _record_failure(notification: Notification, why: str, *, at: datetime.datetime) -> None:
    notification.last_error = why[:300]
    if notification.attempts > len(RETRY_MINUTES):
        notification.state = Notification.State.FAILED
    else:
        wait = datetime.timedelta(minutes=RETRY_MINUTES[notification.attempts - 1])
        notification.next_attempt_at = at + wait
    notification.save(update_fields=["state", "last_error", "next_attempt_at"])
