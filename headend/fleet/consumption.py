"""What a meter used and had left, in the steps of a chart. Pure: readings in, steps out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo


@dataclass(frozen=True)
class Period:
    """A stretch of time that a chart shows.

    Attributes:
        name: as in the page's address.
        words: as people say it.
        step: length of one bar.
        count: how many bars.
        label: strftime form of a bar's label.
    """

    name: str
    words: str
    step: timedelta
    count: int
    label: str

    @property
    def length(self) -> timedelta:
        """The whole stretch."""
        return self.step * self.count


PERIODS = {
    period.name: period
    for period in (
        Period("hour", "one hour", timedelta(minutes=5), 12, "%H:%M"),
        Period("day", "24 hours", timedelta(hours=1), 24, "%H:%M"),
        Period("week", "7 days", timedelta(hours=6), 28, "%a %H:%M"),
        Period("month", "30 days", timedelta(days=1), 30, "%d %b"),
    )
}


@dataclass(frozen=True)
class Register:
    """One reading: total energy and credit at the end of an interval, either may be unknown."""

    at: datetime
    energy_wh: int | None
    credit_wh: int | None


@dataclass(frozen=True)
class Step:
    """One bar: half-open from `start`; None where the meter told nothing."""

    start: datetime
    end: datetime
    used_wh: int | None
    credit_wh: int | None


def beginning(period: Period, last: datetime, zone: tzinfo) -> datetime:
    """Where a period starts so that the step of the last reading is its last one.

    Steps begin at round local times: five minutes, hours, quarters of a day, midnights.

    Args:
        period: the stretch to show.
        last: the latest reading, aware.
        zone: the utility's time zone.
    """
    local = last.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    # A reading at 10:00 closes the step from 9 to 10, so look just before it.
    steps_today = (local - midnight - timedelta(microseconds=1)) // period.step
    return midnight + period.step * (steps_today + 1 - period.count)


def steps(registers: Iterable[Register], period: Period, start: datetime) -> list[Step]:
    """Share out what a meter used among the steps of a period.

    The difference of two successive readings counts in the step in which the later one falls.
    A register that went back (a meter replaced or provisioned again) counts as not known.

    Args:
        registers: readings in order of time; one from before `start` makes the first step known.
        period: the stretch to show.
        start: beginning of its first step.
    """
    used: list[int | None] = [None] * period.count
    credit: list[int | None] = [None] * period.count
    earlier: int | None = None
    for register in registers:
        place = (register.at - start - timedelta(microseconds=1)) // period.step
        if 0 <= place < period.count:
            if register.energy_wh is not None and earlier is not None:
                rise = register.energy_wh - earlier
                used[place] = (used[place] or 0) + rise if rise >= 0 else used[place]
            credit[place] = register.credit_wh
        if register.energy_wh is not None:
            earlier = register.energy_wh
    return [
        Step(start + period.step * at, start + period.step * (at + 1), used[at], credit[at])
        for at in range(period.count)
    ]
