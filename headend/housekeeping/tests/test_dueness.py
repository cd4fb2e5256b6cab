"""When a chore is due follows from when it was begun, how that went, and the time alone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headend.config.chores import Every, Nightly
from headend.housekeeping.dueness import RETRY_MINUTES, Last, due_at

JOHANNESBURG = ZoneInfo("Africa/Johannesburg")  # UTC+2
BERLIN = ZoneInfo("Europe/Berlin")
NIGHTLY = Nightly(hour=2)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(last, now, schedule=NIGHTLY, zone=JOHANNESBURG):
    return due_at(schedule, last, at=now, zone=zone)


@pytest.mark.parametrize(
    ("begun", "next_one"),
    [
        ("2026-11-18 12:00", "2026-11-22 00:00"),  # a Wednesday
        ("2026-11-21 23:59", "2026-11-22 00:00"),
        ("2026-11-22 00:00", "2026-11-29 00:00"),
    ],
)
def test_weekly_is_on_its_day(begun, next_one):
    weekly = Nightly(hour=2, weekday=6)
    assert due(Last(begun_at=at(begun)), at(begun), weekly) == at(next_one)
    assert weekly.words == "each Sunday at 02:00"


@pytest.mark.parametrize(
    ("begun", "next_one"),
    [
        ("2026-11-21 12:00", "2026-11-22 00:00"),  # by day: in the night that comes
        ("2026-11-21 23:59", "2026-11-22 00:00"),  # 01:59 on the wall: in a minute
        ("2026-11-22 00:00", "2026-11-23 00:00"),
        ("2026-12-31 22:30", "2027-01-01 00:00"),
    ],
)
def test_nightly_is_by_the_clock_on_the_wall(begun, next_one):
    assert due(Last(at(begun)), at(begun)) == at(next_one)


def test_nights_in_which_the_clock_is_changed_have_one_run_each():
    begun = datetime(2026, 3, 27, 12, tzinfo=UTC)
    days = []
    for _ in range(4):
        begun = due(Last(begun), begun, zone=BERLIN)
        days.append(begun.astimezone(BERLIN).date().isoformat())
    assert days == ["2026-03-28", "2026-03-29", "2026-03-30", "2026-03-31"]
    begun = datetime(2026, 10, 24, 12, tzinfo=UTC)
    first = due(Last(begun), begun, zone=BERLIN)
    assert due(Last(first), first, zone=BERLIN) - first >= timedelta(hours=24)


def test_what_was_never_done_or_is_asked_for_is_due_at_once():
    now = at("2026-11-21 12:00")
    assert due(Last(), now) == now
    begun = now - timedelta(minutes=1)
    assert due(Last(begun, asked_at=now), now) == now
    assert due(Last(begun, asked_at=begun - timedelta(minutes=1)), now) > now


def test_a_clock_that_was_wrong_holds_nothing_up():
    now = at("2026-11-21 12:00")
    assert due(Last(now + timedelta(days=400)), now) == now


def test_what_did_not_finish_is_tried_again_soon_and_not_too_often():
    begun = at("2026-11-21 12:00")
    waits = [due(Last(begun, failures=number), begun) - begun for number in (1, 2, 3, 9)]
    assert waits == [timedelta(minutes=minutes) for minutes in (*RETRY_MINUTES, RETRY_MINUTES[-1])]
    assert due(Last(begun, is_finished=False), begun) - begun == timedelta(minutes=5)
    hourly = Every(timedelta(minutes=2))
    assert due(Last(begun, failures=3), begun, hourly) - begun == timedelta(minutes=2)


@given(
    begun=st.integers(0, 20 * 366 * 86400).map(lambda s: at("2020-01-01") + timedelta(seconds=s)),
    hour=st.integers(0, 23),
    zone=st.sampled_from([JOHANNESBURG, BERLIN, ZoneInfo("Australia/Lord_Howe"), UTC]),
)
def test_any_night_follows_within_a_day_or_so(begun, hour, zone):
    wait = Nightly(hour=hour).next_after(begun, zone) - begun
    assert timedelta(0) < wait <= timedelta(hours=25)
