"""How long a log-in is valid, and what it still needs: a second factor, or an own password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone

from headend.accounts import one_time, second_factor

TO_PASS, TO_CHOOSE, TO_SET_UP = "to pass", "to choose a password", "to set up"
NOTED_EVERY_SECONDS = 60

_BEGAN, _SEEN, _OWES, _PASSED = "began_at", "seen_at", "owes_factor", "passed_factor_at"


def begin(session: SessionBase, user: Any) -> None:
    """Note in a fresh session when it began and what it owes."""
    now = timezone.now().timestamp()
    session[_BEGAN] = session[_SEEN] = now
    session[_OWES] = _owed(session, user)


def has_ended(request: HttpRequest) -> str | None:
    """Say why the session is over; if it is not, note now and then that it is in use.

    What a page fetches by itself, to stay up to date, does not count as use.

    Returns:
        A sentence for the person; None if the session goes on.
    """
    session, now = request.session, timezone.now().timestamp()
    if _BEGAN not in session:
        begin(session, request.user)
        return None
    if now - session[_BEGAN] >= settings.SESSION_COOKIE_AGE:
        hours = settings.SESSION_COOKIE_AGE // 3600
        return f"You are logged out: a log-in is good for {hours} hours."
    idle = now - session[_SEEN]
    if idle >= settings.SESSION_IDLE_SECONDS:
        minutes = settings.SESSION_IDLE_SECONDS // 60
        return f"You are logged out, since this page was not used for {minutes} min."
    by_itself = getattr(request, "htmx", False) and request.method == "GET"
    if idle >= NOTED_EVERY_SECONDS and not by_itself:
        session[_SEEN] = now
        session[_OWES] = _owed(
            session, request.user
        )  # a group may have begun to ask for a second factor
    return None


def owes(request: HttpRequest) -> str | None:
    """Return what the session owes: a second factor to show, a password, a factor, or None."""
    owed: str | None = request.session.get(_OWES)
    return owed


def note_passed(session: SessionBase, user: Any) -> None:
    """Note that the second factor was shown; the session gets a new name."""
    session.cycle_key()
    session[_PASSED] = timezone.now().timestamp()
    session[_OWES] = _owed(session, user)


def note_chosen(session: SessionBase, user: Any) -> None:
    """Note that an own password was chosen; a second factor may be owed next."""
    session[_OWES] = _owed(session, user)


def _owed(session: SessionBase, user: Any) -> str | None:
    has_passed = _PASSED in session
    if not has_passed and second_factor.has_any(user):
        return TO_PASS
    if one_time.of(user) is not None:
        return TO_CHOOSE
    return TO_SET_UP if not has_passed and second_factor.must_have(user) else None


def _on_log_in(request: HttpRequest, user: Any, **_: Any) -> None:
    begin(request.session, user)


user_logged_in.connect(_on_log_in, dispatch_uid="headend.accounts.sessions")
