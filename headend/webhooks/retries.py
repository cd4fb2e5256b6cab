"""When an event is sent again, and when it is given up. Pure."""

from __future__ import annotations

from datetime import timedelta

MOST_ATTEMPTS = 10  # the last one some 40 hours after the first
GIVE_UP_AFTER = timedelta(days=3)  # since it was queued, however many attempts there were
_FIRST_S = 10.0
_FACTOR = 4.0
_LONGEST_S = 12 * 3600.0
_LONGEST_WISH_S = 3600

FAILURES_BEFORE_REST = 5
_LONGEST_REST_S = 300.0

LONGEST_DELAY = timedelta(seconds=_LONGEST_S * 1.25)  # with all that chance may add
LONGEST_REST = timedelta(seconds=_LONGEST_REST_S)


def delay(attempts: int, *, chance: float, wished_s: int = 0) -> timedelta:
    """Return how long to wait after a failed attempt.

    Args:
        attempts: how many there were, 1..MOST_ATTEMPTS.
        chance: 0..1, at random: a quarter more or less, so that not all come back at once.
        wished_s: what the receiver asked for (Retry-After); more than an hour is not granted.
    """
    usual = min(_FIRST_S * _FACTOR ** min(attempts - 1, MOST_ATTEMPTS), _LONGEST_S)
    waited = usual * (0.75 + 0.5 * chance)
    return timedelta(seconds=max(waited, min(wished_s, _LONGEST_WISH_S)))


def is_last(attempts: int) -> bool:
    """Tell whether a failed attempt was the last one."""
    return attempts >= MOST_ATTEMPTS


def rest(failures: int) -> timedelta | None:
    """Return how long a receiver is left alone that fails again and again.

    Args:
        failures: attempts in a row that failed, of whatever events.

    Returns:
        None if it is not left alone yet.
    """
    if failures < FAILURES_BEFORE_REST:
        return None
    doublings = min(failures - FAILURES_BEFORE_REST, 10)
    return timedelta(seconds=min(5.0 * 2**doublings, _LONGEST_REST_S))
