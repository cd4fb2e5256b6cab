"""Deletes what has expired: ended sessions, and log-in attempts that no longer count."""

from __future__ import annotations

from datetime import datetime

from django.contrib.sessions.models import Session

from headend.accounts import people_acts, throttle
from headend.config import chores


@chores.chore("expired", "What has expired is forgotten", chores.Nightly(hour=4))
def forget(*, at: datetime) -> chores.Outcome:
    """Delete ended sessions, old tries to log in, and passwords that nobody approved."""
    sessions, _ = Session.objects.filter(expire_date__lt=at).delete()
    tries = throttle.forget_old(at)
    people_acts.forget_refused_passwords()
    return chores.Outcome(f"{sessions} ended sessions and {tries} old tries to log in.")
