"""What is due of what waits, also after the clock was ahead and was set right."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q


def is_due(field: str, *, at: datetime, longest: timedelta) -> Q:
    """Return the condition that something waits no longer.

    A time further away than anything is ever made to wait was reckoned from a clock that ran
    ahead. It counts as come, or what waits would stand still until that far time.

    Args:
        field: says until when it waits.
        at: now.
        longest: how long a wait can be.
    """
    return Q(**{f"{field}__lte": at}) | Q(**{f"{field}__gt": at + longest})
