"""Recurring chores: each capability registers its own, and housekeeping runs them.

A capability registers a chore in a module `chores` of its own:

    @chores.chore("ledger", "Every figure follows from the ledger", chores.Nightly(hour=2))
    def check(*, at):
        ...
        return chores.Outcome("14 proofs agree")
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import NamedTuple, Protocol


class Outcome(NamedTuple):
    """What a chore came to: one sentence, and whether somebody has to look at it."""

    told: str
    is_well: bool = True


class Act(Protocol):
    """Does a chore. An exception counts as not done: it is tried again soon."""

    def __call__(self, *, at: datetime) -> Outcome:
        """Do it and say what came of it."""


class Schedule(Protocol):
    """When a chore is due again."""

    def next_after(self, last: datetime, zone: tzinfo) -> datetime:
        """Return the first instant at which it is due after it was last begun."""

    @property
    def words(self) -> str:
        """When that is, for a person."""


@dataclass(frozen=True)
class Nightly:
    """Once a day, or once a week, at a local hour.

    Args:
        hour: 0..23 of the utility's own time.
        weekday: 0 for Monday to 6 for Sunday; None: every day.
    """

    hour: int
    weekday: int | None = None

    def next_after(self, last: datetime, zone: tzinfo) -> datetime:
        """Return the next time that the clock on the wall shows the hour."""
        local = last.astimezone(zone)
        day = local.date() if local.hour < self.hour else local.date() + timedelta(days=1)
        if self.weekday is not None:
            day += timedelta(days=(self.weekday - day.weekday()) % 7)
        return datetime.combine(day, time(self.hour), tzinfo=zone)

    @property
    def words(self) -> str:
        """When that is, for a person."""
        when = "night" if self.weekday is None else calendar.day_name[self.weekday]
        return f"each {when} at {self.hour:02d}:00"


@dataclass(frozen=True)
class Every:
    """Again after a time.

    Args:
        period: more than nothing.
    """

    period: timedelta

    def next_after(self, last: datetime, zone: tzinfo) -> datetime:
        """Return the end of the period."""
        return last + self.period

    @property
    def words(self) -> str:
        """When that is, for a person."""
        minutes = int(self.period.total_seconds() // 60)
        return "every minute" if minutes == 1 else f"every {minutes} minutes"


@dataclass(frozen=True)
class Chore:
    """Something to be done again and again."""

    name: str
    title: str
    schedule: Schedule
    act: Act


_chores: dict[str, Chore] = {}


def chore(name: str, title: str, schedule: Schedule) -> Callable[[Act], Act]:
    """Register the decorated function as a chore.

    Args:
        name: short, at most 40 characters; never changes.
        title: what it sees to, for a person.
        schedule: when it is due.
    """

    def register(act: Act) -> Act:
        _chores[name] = Chore(name, title, schedule, act)
        return act

    return register


def all_chores() -> list[Chore]:
    """Return the chores registered so far, by title."""
    return sorted(_chores.values(), key=lambda one: one.title)
