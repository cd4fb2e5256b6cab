"""Messages of one meter as the broker brings them, and what was stored of them."""

from __future__ import annotations

import datetime
from typing import Any

from headend.fleet.ingest import Arrival, store_batch
from headend.fleet.keyring import KeyRing
from headend.fleet.models import MeterLink
from headend.fleet.tests.fake_meter import DRN, PREFIX, Identity, event_claims, state_claims
from shared.wire import topics

IDENTITY = Identity()
START = datetime.datetime(2026, 11, 21, 8, 0, tzinfo=datetime.UTC)


def arrive(
    kind: str,
    payload: bytes,
    *,
    retained: bool = False,
    at: datetime.datetime = START,
    drn: str = DRN,
) -> Arrival:
    """Return a message on the topic of a kind, as it comes from the broker."""
    return Arrival(
        topic=topics.up(drn, kind, PREFIX), payload=payload, is_retained=retained, at=at
    )


def event(seq: int, **changes: Any) -> Arrival:
    """Return an event of the meter, numbered in its first boot."""
    return arrive("event", IDENTITY.signed("event", **event_claims(seq, **changes)))


def state(*, retained: bool = False, at: datetime.datetime = START, **changes: Any) -> Arrival:
    """Return a state of the meter, with some fields changed."""
    changes.setdefault("time", int(at.timestamp()))
    payload = IDENTITY.signed("state", **state_claims(**changes))
    return arrive("state", payload, retained=retained, at=at)


def store(*arrivals: Arrival) -> None:
    """Take messages in as one batch, as the gateway does."""
    store_batch(arrivals, keys=KeyRing())


def watermark() -> tuple[int, int]:
    """Return the boot and number up to which everything of the one meter is stored."""
    link = MeterLink.objects.get()
    return link.stored_boot, link.stored_seq
