"""Turns happenings into events and events into deliveries, without loss or duplicates.

The sealed audit record is read in the order of its chain: a cursor says how far. What is announced
besides is taken out of its outbox. Either is one transaction with the events that come of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from headend.accounts.models import User
from headend.announcements import services as announcements
from headend.announcements.models import Announcement
from headend.audit.models import AuditEntry, Link
from headend.vendors.queries import vendor_of
from headend.vendors.seats import ACT_FOR_UTILITY
from headend.webhooks import bodies
from headend.webhooks.field import of_announcements
from headend.webhooks.happenings import Happening, actions_for, of_entries
from headend.webhooks.kinds import KINDS, TEST
from headend.webhooks.models import Cursor, Delivery, Event, Subscription

LINKS_AT_ONCE = 500
ANNOUNCEMENTS_AT_ONCE = 200


def begin() -> None:
    """Have everything that is sealed from now on looked at; from the first webhook on."""
    sealed = Link.objects.aggregate(last=Max("position"))["last"] or 0
    Cursor.objects.get_or_create(pk=1, defaults={"position": sealed})


def derive(*, at: datetime) -> bool:
    """Derive the events of one batch; several workers may, one does at a time.

    Args:
        at: now.

    Returns:
        True if there may be more.
    """
    more_in_record = _has_new_links() and _derive_from_record(at)
    more_announced = Announcement.objects.exists() and _derive_from_announcements(at)
    return more_in_record or more_announced


def body_of(event_id: str, kind: str, happened_at: datetime, data: dict[str, Any]) -> str:
    """Return what is sent of an event, checked against the description of its kind."""
    described = bodies.Test if kind == TEST else KINDS[kind].body
    content = described(**data).model_dump_json()
    moment = happened_at.isoformat()
    return f'{{"id":"{event_id}","kind":"{kind}","at":"{moment}","data":{content}}}'


def new_event_id() -> str:
    """Return the name of an event, which tells nothing."""
    return f"evt_{uuid.uuid4().hex}"


class Audience:
    """The webhooks that are sent to or kept for, and what the program of each may be told."""

    def __init__(self) -> None:
        rows = Subscription.objects.exclude(state=Subscription.State.ENDED)
        self._subscriptions = list(rows.select_related("program"))
        self.kinds = {kind for one in self._subscriptions for kind in one.kinds}
        self._vendors: dict[int, int | None] = {}

    def of(self, happening: Happening) -> list[Subscription]:
        """Return who is told of something."""
        return [
            one
            for one in self._subscriptions
            if happening.kind in one.kinds and self._may_know(one.program, happening)
        ]

    def _may_know(self, program: User, happening: Happening) -> bool:
        kind = KINDS[happening.kind]
        if happening.program_id is not None:
            return happening.program_id == program.pk and program.has_perm(kind.permission)
        if not program.has_perm(kind.permission):
            return False
        vendor_id = self._vendor_id(program)
        if vendor_id is None:
            return program.has_perm(ACT_FOR_UTILITY) or not kind.of_vendors
        return kind.of_vendors and vendor_id == happening.vendor_id

    def _vendor_id(self, program: User) -> int | None:
        if program.pk not in self._vendors:
            vendor = vendor_of(program)
            self._vendors[program.pk] = vendor.pk if vendor else None
        return self._vendors[program.pk]


def _has_new_links() -> bool:
    """Look without taking a lock, on SQLite that of the only writer."""
    cursor = Cursor.objects.first()
    return cursor is not None and Link.objects.filter(position__gt=cursor.position).exists()


@transaction.atomic
def _derive_from_record(at: datetime) -> bool:
    cursor = Cursor.objects.select_for_update(skip_locked=True).first()
    if cursor is None:
        return False
    rows = Link.objects.filter(position__gt=cursor.position).order_by("position")
    positions = list(rows.values_list("position", flat=True)[:LINKS_AT_ONCE])
    if not positions:
        return False
    audience = Audience()
    entries = AuditEntry.objects.filter(
        link__position__gt=cursor.position,
        link__position__lte=positions[-1],
        action__in=actions_for(audience.kinds),
    )
    _tell(of_entries(list(entries.order_by("link__position"))), audience, at)
    cursor.position = positions[-1]
    cursor.save(update_fields=["position"])
    return len(positions) == LINKS_AT_ONCE


def _derive_from_announcements(at: datetime) -> bool:
    with transaction.atomic():
        taken = announcements.take(ANNOUNCEMENTS_AT_ONCE)
        audience = Audience() if taken else None
        if audience and audience.kinds:
            _tell(of_announcements(taken), audience, at)
    return len(taken) == ANNOUNCEMENTS_AT_ONCE


def _tell(happenings: Iterable[Happening], audience: Audience, at: datetime) -> None:
    """Make events of what somebody wants to be told, and a delivery to each who does."""
    events, deliveries = [], []
    for happening in happenings:
        told = audience.of(happening)
        if not told:
            continue
        event_id = new_event_id()
        event = Event(
            public_id=event_id,
            key=f"{happening.kind} {happening.key}",
            kind=happening.kind,
            at=happening.at,
            vendor_id=happening.vendor_id,
            body=body_of(event_id, happening.kind, happening.at, happening.data),
            made_at=at,
        )
        events.append(event)
        deliveries += [
            Delivery(subscription=one, event=event, queued_at=at, next_attempt_at=at)
            for one in told
        ]
    Event.objects.bulk_create(events)
    Delivery.objects.bulk_create(deliveries)
