"""Slows down guessing: every log-in attempt is counted before the password is checked.

Counted in the database, so that it holds across processes and restarts. A stranger who guesses at
somebody's password holds up tries from the stranger's own address first; the person can still log
in from elsewhere until the tries from all addresses together are too many.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from headend.accounts.errors import TooManyAttempts
from headend.accounts.models import LogInAttempt, User
from headend.audit import services as audit
from headend.audit.models import AuditEntry

KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    """How many tries within how long, and what is said when there were more."""

    fields: tuple[str, ...]
    tries: int
    within: timedelta


LIMITS = (
    Limit(("username", "address"), 5, timedelta(minutes=5)),
    Limit(("username", "address"), 15, timedelta(hours=1)),
    Limit(("username",), 50, timedelta(hours=1)),
    Limit(("address",), 100, timedelta(hours=1)),
)


def address_of(request: HttpRequest) -> str:
    """Return where a request comes from; behind a proxy, what the proxy says."""
    if settings.BEHIND_PROXY:
        named = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if named:
            return named[:64]
    return str(request.META.get("REMOTE_ADDR", ""))[:64]


def note_attempt(*, username: str, address: str, at: datetime) -> LogInAttempt:
    """Note one try, before it is known whether it is right.

    Args:
        username: as typed.
        address: from `address_of`.
        at: now.

    Raises:
        TooManyAttempts: says how long to wait; the try is not noted, so waiting helps.
    """
    given: dict[str, Any] = {"username": username.casefold()[:150], "address": address}
    with transaction.atomic():
        attempt = LogInAttempt.objects.create(**given, at=at)
        full = _limit_passed(given, at)
        if full is None:
            return attempt
        attempt.delete()
        waits = _wait(full, given, at)
        _record_refusal(username, address, full, at)
    raise TooManyAttempts(
        f"There were too many failed attempts. Try again in {_in_words(waits)}; until then "
        "even the right answer is refused, and nobody can shorten the wait."
    )


def forgive(*, username: str, address: str) -> None:
    """Forget the tries of somebody who has logged in."""
    LogInAttempt.objects.filter(username=username.casefold()[:150], address=address).delete()


def forget_old(at: datetime) -> int:
    """Delete the tries that count for nothing any more; return how many there were."""
    deleted, _ = LogInAttempt.objects.filter(at__lt=at - KEPT).delete()
    return deleted


def _limit_passed(given: dict[str, Any], at: datetime) -> Limit | None:
    for limit in LIMITS:
        if _tries(limit, given, at).count() > limit.tries:
            return limit
    return None


def _tries(limit: Limit, given: dict[str, Any], at: datetime) -> Any:
    same = {field: given[field] for field in limit.fields}
    return LogInAttempt.objects.filter(**same, at__gt=at - limit.within).order_by("-at", "-pk")


def _wait(limit: Limit, given: dict[str, Any], at: datetime) -> timedelta:
    """Return how long until the oldest try that fills the limit counts no more."""
    oldest = _tries(limit, given, at)[limit.tries - 1]
    return max(oldest.at + limit.within - at, timedelta(seconds=1))


def _record_refusal(username: str, address: str, limit: Limit, at: datetime) -> None:
    """Put into the record that somebody's tries are refused, once per wait."""
    user = User.objects.filter(username__iexact=username).first()
    if user is None:
        return
    recently = AuditEntry.objects.filter(
        action="accounts.log_in_refused", object_id=str(user.pk), at__gt=at - limit.within
    )
    if not recently.filter(object_type="accounts.user", source=address).exists():
        audit.record(
            actor=None, action="accounts.log_in_refused", target=user, at=at, source=address
        )


def _in_words(wait: timedelta) -> str:
    minutes = -(-int(wait.total_seconds()) // 60)
    return "a minute" if minutes <= 1 else f"{minutes} minutes"
