"""What a chart shows: differences of a register, shared out among steps, gaps left open."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headend.fleet.consumption import PERIODS, Register, beginning, steps

ZONE = ZoneInfo("Africa/Johannesburg")
MIDNIGHT = datetime(2026, 11, 21, tzinfo=ZONE)
DAY = PERIODS["day"]


def at(hours, energy_wh, credit_wh=None):
    return Register(MIDNIGHT + timedelta(hours=hours), energy_wh, credit_wh)


def used(*registers):
    return [step.used_wh for step in steps(registers, DAY, MIDNIGHT)]


def test_a_difference_counts_where_the_later_reading_falls():
    got = used(at(0, 1000), at(0.5, 1100), at(1, 1300), at(1.25, 1301))
    assert got[:3] == [300, 1, None]


def test_a_reading_from_before_makes_the_first_step_known():
    assert used(at(-5, 500), at(1, 700))[0] == 200


def test_silence_is_not_zero():
    assert used(at(0, 0), at(1, 5), at(4, 9))[:4] == [5, None, None, 4]


def test_a_register_that_went_back_is_not_known():
    assert used(at(0, 9000), at(1, 10), at(2, 30))[:2] == [None, 20]


def test_credit_is_the_last_of_its_step():
    got = steps([at(0.5, None, 90), at(1, None, 80), at(2, None, None)], DAY, MIDNIGHT)
    assert [step.credit_wh for step in got[:3]] == [80, None, None]


@pytest.mark.parametrize("period", PERIODS.values(), ids=str)
@pytest.mark.parametrize("minutes", [0, 1, 615, 1439])
def test_the_last_reading_falls_into_the_last_step(period, minutes):
    last = (MIDNIGHT + timedelta(minutes=minutes)).astimezone(UTC)
    start = beginning(period, last, ZONE)
    (*_, step) = steps([], period, start)
    assert step.start < last <= step.end
    assert (step.start - MIDNIGHT) % period.step == timedelta(0)


@given(st.lists(st.tuples(st.integers(1, 24 * 60), st.integers(0, 10**6)), max_size=60))
def test_nothing_is_lost_or_doubled(rises):
    total, minute, registers = 0, 0, [at(0, 0)]
    for minutes, rise in rises:
        minute, total = minute + minutes, total + rise
        registers.append(Register(MIDNIGHT + timedelta(minutes=minute), total, None))
    shown = sum(
        step.used_wh or 0
        for day in range(minute // (24 * 60) + 1)
        for step in steps(registers, DAY, MIDNIGHT + timedelta(days=day))
    )
    assert shown == total
