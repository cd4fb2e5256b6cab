"""The life of a command: one table of states and what moves it from one to the next.

Payment and delivery have separate lives, so nothing here knows of sales. Everything is pure: a
state and an occurrence in, the next state out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import TextChoices

from shared.sts import result as token_result
from shared.wire import code_names, codes, commands


class State(TextChoices):
    """Where a command is; the order is that of a delivery that goes well, then the other ends."""

    PENDING = "pending", "waiting"
    QUEUED = "queued", "ready to send"
    PUBLISHED = "published", "with the broker"
    RECEIVED = "received", "at the meter"
    ACCEPTED = "accepted", "accepted"
    REJECTED = "rejected", "rejected"
    EXPIRED = "expired", "expired"
    SUPERSEDED = "superseded", "replaced by a later command"
    CANCELLED = "cancelled", "cancelled"


class Occurrence(TextChoices):
    """What can happen to a command."""

    NUMBERED = "numbered", "given its number and its signed bytes"
    BROKER_TOOK = "broker_took", "the broker acknowledged it"
    METER_RECEIVED = "meter_received", "the meter took it for work"
    METER_ACCEPTED = "meter_accepted", "the meter did it"
    METER_REJECTED = "meter_rejected", "the meter refused it for good"
    METER_DEFERRED = "meter_deferred", "the meter refused it for now"
    TIME_RAN_OUT = "time_ran_out", "its expiry passed"
    REPLACED = "replaced", "an opposite command was asked for"
    WITHDRAWN = "withdrawn", "a person called it back"


UNSENT = frozenset({State.PENDING})
IN_DELIVERY = frozenset({State.QUEUED, State.PUBLISHED, State.RECEIVED})
UNFINISHED = UNSENT | IN_DELIVERY
FINISHED = frozenset(State) - UNFINISHED

# (state, occurrence) -> next state. A pair that is missing changes nothing: acknowledgements
# arrive late, twice and out of order, and that must never move a command backwards.
# The meter's own answer is the truth: it still counts after the head-end has given up.
TRANSITIONS: dict[tuple[State, Occurrence], State] = {
    (State.PENDING, Occurrence.NUMBERED): State.QUEUED,
    (State.PENDING, Occurrence.TIME_RAN_OUT): State.EXPIRED,
    (State.PENDING, Occurrence.REPLACED): State.SUPERSEDED,
    (State.PENDING, Occurrence.WITHDRAWN): State.CANCELLED,
    (State.QUEUED, Occurrence.BROKER_TOOK): State.PUBLISHED,
    (State.QUEUED, Occurrence.METER_RECEIVED): State.RECEIVED,
    (State.QUEUED, Occurrence.METER_ACCEPTED): State.ACCEPTED,
    (State.QUEUED, Occurrence.METER_REJECTED): State.REJECTED,
    (State.QUEUED, Occurrence.METER_DEFERRED): State.PENDING,
    (State.QUEUED, Occurrence.TIME_RAN_OUT): State.EXPIRED,
    (State.QUEUED, Occurrence.WITHDRAWN): State.CANCELLED,
    (State.PUBLISHED, Occurrence.METER_RECEIVED): State.RECEIVED,
    (State.PUBLISHED, Occurrence.METER_ACCEPTED): State.ACCEPTED,
    (State.PUBLISHED, Occurrence.METER_REJECTED): State.REJECTED,
    (State.PUBLISHED, Occurrence.METER_DEFERRED): State.PENDING,
    (State.PUBLISHED, Occurrence.TIME_RAN_OUT): State.EXPIRED,
    (State.PUBLISHED, Occurrence.WITHDRAWN): State.CANCELLED,
    (State.RECEIVED, Occurrence.METER_ACCEPTED): State.ACCEPTED,
    (State.RECEIVED, Occurrence.METER_REJECTED): State.REJECTED,
    (State.RECEIVED, Occurrence.METER_DEFERRED): State.PENDING,
    (State.RECEIVED, Occurrence.TIME_RAN_OUT): State.EXPIRED,
    (State.RECEIVED, Occurrence.WITHDRAWN): State.CANCELLED,
    (State.EXPIRED, Occurrence.METER_ACCEPTED): State.ACCEPTED,
    (State.EXPIRED, Occurrence.METER_REJECTED): State.REJECTED,
    (State.CANCELLED, Occurrence.METER_ACCEPTED): State.ACCEPTED,
    (State.CANCELLED, Occurrence.METER_REJECTED): State.REJECTED,
}


def next_state(state: str, occurrence: Occurrence) -> State | None:
    """Return the state that an occurrence leads to, or None when it changes nothing."""
    return TRANSITIONS.get((State(state), occurrence))


_ACCEPTED_TOKEN = frozenset(
    {
        token_result.ACCEPT,
        token_result.FIRST_SECTION,
        token_result.SECOND_SECTION,
        token_result.THIRD_SECTION,
        token_result.FOURTH_SECTION,
    }
)
# Refusals that say nothing of the command itself: it was not executed, and the same order under
# a new number may well be. A stale boot nonce is one, since a meter restarts when it likes.
_FOR_NOW = frozenset({codes.CLOCK_MISMATCH, codes.BUSY, token_result.NOT_READY})


def judge_answer(
    *, command: str, status: int, detail: dict[str, Any], token_identifier: int | None
) -> Occurrence:
    """Say what a meter's final answer means for the delivery.

    Args:
        command: name of the command.
        status: the meter's status code.
        detail: the answer's detail.
        token_identifier: that of the token we sent, None if it is not ours or no token.

    Returns:
        METER_ACCEPTED, METER_REJECTED or METER_DEFERRED. "Used" with our own token identifier
        counts as accepted: the consumer typed the token first.
    """
    if status in _FOR_NOW:
        return Occurrence.METER_DEFERRED
    if command != commands.TOKEN:
        done = status == codes.OK
    elif status == token_result.USED_ERROR:
        told = detail.get("tid", token_identifier)
        done = token_identifier is not None and told == token_identifier
    else:
        done = status in _ACCEPTED_TOKEN
    return Occurrence.METER_ACCEPTED if done else Occurrence.METER_REJECTED


def status_name(command: str, status: int) -> str:
    """Return the English name of an answer's status."""
    if command == commands.TOKEN and status < codes.UNKNOWN_COMMAND:
        return token_result.name(status)
    return code_names.status_name(status)


def resend_delay(publications: int) -> timedelta:
    """Return how long an online meter is given to answer before the same bytes go out again.

    Args:
        publications: how often the command was published, >= 1.
    """
    return min(timedelta(seconds=10) * 2 ** min(publications - 1, 8), timedelta(minutes=5))


LONGEST_DELAY = timedelta(hours=1)


def deferral_delay(deferrals: int) -> timedelta:
    """Return how long to wait after the meter refused for now.

    Args:
        deferrals: how often it did, >= 1.
    """
    return min(timedelta(seconds=2) * 4 ** min(deferrals - 1, 8), LONGEST_DELAY)
