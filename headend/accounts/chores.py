"""Forgets what has expired: sessions that ended, tries to log in that count for nothing."""

from __future__ import annotations

from datetime import datetime

from django.contrib.sessions.models import Session

from headend.accounts import throttle
from headend.config import chores


@chores.chore("expired", "What has expired is forgotten", chores.Nightly(hour=4))
def forget(*, at: datetime) -> chores.Outcome:
    """Delete ended sessions and old tries to log in."""
    sessions, _ = Session.objects.filter(expire_date__lt=at).delete()
    tries = throttle.forget_old(at)
    return chores.Outcome(f"{sessions} ended sessions and {tries} old tries to log in.")
