"""Stores what meters send: each message once, and only what its meter really said.

A batch of messages is one transaction; the caller acknowledges them to the broker afterwards.
Nothing here may fail because of what a message contains: what must not be believed is counted as
a security event, and the message counts as dealt with.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from headend.config.errors import Refusal
from headend.fleet import distrust, numbered, presence, replies, states
from headend.fleet.keyring import KeyRing
from headend.fleet.models import MeterLink
from headend.fleet.services import lock_link
from headend.meters.models import Meter
from shared.wire import jws, messages, topics
from shared.wire.commands import BadMessage

log = logging.getLogger(__name__)

ONLINE = "online"
_CHECKS = {
    "ack": messages.check_ack,
    "state": messages.check_state,
    "reading": messages.check_reading,
    "event": messages.check_event,
}
_HANDLERS = {
    "ack": replies.take_ack,
    "state": states.take_state,
    "reading": numbered.take_reading,
    "event": numbered.take_event,
}


@dataclass(frozen=True)
class Arrival:
    """One message as the broker handed it over.

    Attributes:
        topic: where it was published.
        payload: its bytes.
        is_retained: the broker kept it from earlier, so it tells nothing of now.
        at: when it came.
    """

    topic: str
    payload: bytes
    is_retained: bool
    at: datetime.datetime


class _NotBelieved(Exception):
    """A message that must not be believed.

    Attributes:
        reason: short name under which it is counted.
        explanation: one sentence.
    """

    def __init__(self, reason: str, explanation: str) -> None:
        super().__init__(explanation)
        self.reason = reason
        self.explanation = explanation


def store_batch(arrivals: Sequence[Arrival], *, keys: KeyRing) -> None:
    """Store messages in one transaction.

    Args:
        arrivals: in the order in which they came.
        keys: the meters' message keys.

    Raises:
        OperationalError, InterfaceError: the database is out of reach; nothing is stored and
            the messages must not be acknowledged.
    """
    try:
        with transaction.atomic():
            _store_all(arrivals, keys)
        return
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("a batch of %d messages could not be stored at once", len(arrivals))
    for arrival in arrivals:
        _store_alone(arrival, keys)


def _store_alone(arrival: Arrival, keys: KeyRing) -> None:
    """Store one message by itself; one that breaks our own code is set aside, not kept coming."""
    try:
        with transaction.atomic():
            _store_all([arrival], keys)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("a message on %s could not be stored", arrival.topic)
        _set_aside(arrival, keys, error)


def _set_aside(arrival: Arrival, keys: KeyRing, error: Exception) -> None:
    drn, kind = _address(arrival)
    fault = "database refused it" if isinstance(error, DatabaseError) else "fault in our code"
    with transaction.atomic():
        meter = Meter.objects.filter(drn=drn).first()
        _count(_NotBelieved("undigested", f"{fault}: {error}"), meter, arrival)
        if meter is None:
            return
        try:
            claims = _authentic(meter, kind, arrival, keys)
        except _NotBelieved:
            return
        link = lock_link(meter)
        numbered.take_unreadable(meter, link, kind, claims, at=arrival.at)
        link.save()


def _count(refused: _NotBelieved, meter: Meter | None, arrival: Arrival) -> None:
    distrust.count(
        drn=meter.drn if meter else "",
        meter=meter,
        reason=refused.reason,
        explanation=refused.explanation,
        topic=arrival.topic,
        payload=arrival.payload,
        at=arrival.at,
    )


def _store_all(arrivals: Sequence[Arrival], keys: KeyRing) -> None:
    addressed = [(_address(arrival), arrival) for arrival in arrivals]
    meters = Meter.objects.in_bulk({drn for (drn, _), _ in addressed if drn}, field_name="drn")
    # Locked in one order everywhere, so that two workers never wait for each other.
    links = {
        meter.drn: lock_link(meter) for meter in sorted(meters.values(), key=lambda each: each.pk)
    }
    for (drn, kind), arrival in addressed:
        meter = meters.get(drn)
        try:
            if meter is None:
                raise _unknown(drn, arrival)
            _store_one(meter, links[drn], kind, arrival, keys)
        except _NotBelieved as refused:
            _count(refused, meter, arrival)
    for link in links.values():
        link.save()


def _address(arrival: Arrival) -> tuple[str, str]:
    """Return (meter number, kind) of a message; empty ones if the topic is none of ours."""
    try:
        return topics.parse_up(arrival.topic, settings.TOPIC_PREFIX)
    except topics.BadTopic:
        return "", ""


def _unknown(drn: str, arrival: Arrival) -> _NotBelieved:
    if not drn:
        return _NotBelieved("bad_topic", f"nothing of ours is published on {arrival.topic}")
    return _NotBelieved("unknown_meter", f"no meter {drn} is registered")


def _store_one(meter: Meter, link: MeterLink, kind: str, arrival: Arrival, keys: KeyRing) -> None:
    if kind == ONLINE:
        try:
            presence.take_online(link, arrival.payload, at=arrival.at)
        except ValueError as error:
            raise _NotBelieved("malformed", str(error)) from error
        return
    claims = _authentic(meter, kind, arrival, keys)
    if not arrival.is_retained:
        presence.heard(link, at=arrival.at)
    try:
        _CHECKS[kind](claims, meter.drn)
        _HANDLERS[kind](meter, link, claims, at=arrival.at, is_live=not arrival.is_retained)
    except BadMessage as error:
        # Newer firmware may say what we do not understand; unkept, it would hold up the rest.
        numbered.take_unreadable(meter, link, kind, claims, at=arrival.at)
        raise _NotBelieved("malformed", str(error)) from error


def _authentic(meter: Meter, kind: str, arrival: Arrival, keys: KeyRing) -> dict[str, Any]:
    """Return the claims of a message that its meter made for this kind of message."""
    if kind not in _CHECKS:
        raise _NotBelieved("malformed", f"meters send no messages of kind {kind}")
    try:
        claims: dict[str, Any] = distrust.storable(keys.verify_up(meter, arrival.payload))
    except jws.NotAuthentic as error:
        raise _NotBelieved("forged", f"{type(error).__name__}: {error}") from error
    except Refusal as error:
        raise _NotBelieved("no_key", str(error)) from error
    if claims.get("kind") != kind or claims.get("sub") != meter.drn:
        raise _NotBelieved("misaddressed", f"signed as no {kind} of meter {meter.drn}")
    return claims
