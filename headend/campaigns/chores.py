"""Housekeeping continues running campaigns, a few seconds at a time."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from headend.campaigns.running import advance, with_work
from headend.config import chores

_LONGEST_S = 20.0  # so that other chores have their turn


@chores.chore("campaigns", "Key campaigns go on", chores.Every(timedelta(minutes=1)))
def go_on(*, at: datetime) -> chores.Outcome:
    """Work on every campaign that has something to do, for some seconds at most."""
    until = time.monotonic() + _LONGEST_S
    told = []
    for campaign in with_work():
        meters = 0
        while time.monotonic() < until:
            work = advance(campaign, at=at)
            if work.is_nothing:
                break
            meters += work.prepared + work.pushed + work.withdrawn
        told.append(f"{campaign}: {meters} meters")
    return chores.Outcome("; ".join(told)[:500] or "No campaign has anything to do.")
