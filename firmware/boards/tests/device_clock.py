"""The clock port on a platform that counts from 2000. Runs inside MicroPython."""

import time

import bench_line
from bench_clock import BenchClock
from machine import RTC

from firmware.boards.clock import Clock

_NOW = 1795300000  # 2026-11-21


def _unset_clock(kind):
    time.set_clock(0)
    return kind(RTC())


def test_the_platform_counts_from_2000():
    time.set_clock(0)
    assert time.gmtime(0)[:6] == (2000, 1, 1, 0, 0, 0)
    assert time.time() < 60
    assert time.mktime((2000, 3, 1, 0, 0, 1, 0, 0, 0)) == 60 * 86400 + 1
    assert time.gmtime(time.mktime((2026, 11, 21, 22, 26, 40, 0, 0, 0)))[:6] == (
        2026,
        11,
        21,
        22,
        26,
        40,
    )


def test_a_clock_that_was_never_set_says_so():
    clock = _unset_clock(Clock)
    assert clock.quality == "unset"
    assert clock.utc() is None
    assert clock.calendar() is None


def test_setting_gives_unix_seconds_and_survives_a_soft_reset():
    clock = _unset_clock(Clock)
    clock.set(_NOW)
    assert clock.quality == "set"
    assert 0 <= clock.utc() - _NOW <= 2
    assert 0 <= clock.calendar() - clock.utc() <= 1
    assert Clock(RTC()).quality == "set"


def test_a_recorded_time_is_a_lower_bound_only():
    clock = _unset_clock(Clock)
    clock.restore(5)
    assert clock.quality == "unset"
    clock.restore(_NOW)
    assert clock.quality == "restored"
    assert clock.utc() >= _NOW
    clock.set(_NOW + 100)
    clock.restore(_NOW + 5000)
    assert clock.quality == "set"
    assert clock.utc() < _NOW + 200


def test_the_bench_sets_the_clock_without_calling_it_simulated():
    clock = _unset_clock(BenchClock)
    bench_line.handle({"clock": {"utc": _NOW, "scale": 1, "calendar": _NOW + 1}})
    assert clock.quality == "set"
    assert 0 <= clock.calendar() - _NOW <= 2


def test_time_lapse_moves_the_calendar_and_leaves_utc_alone():
    clock = _unset_clock(BenchClock)
    bench_line.handle({"clock": {"scale": 3600}})
    assert clock.quality == "unset"
    clock.set(_NOW)
    assert clock.quality == "simulated"
    time.set_clock(time.time() + 10)  # ten seconds pass
    assert 0 <= clock.utc() - _NOW - 10 <= 2
    assert 36000 <= clock.calendar() - _NOW <= 36000 + 2 * 3600
    bench_line.handle({"clock": {"scale": 1}})
    lapsed = clock.calendar()
    time.set_clock(time.time() + 10)
    assert 10 <= clock.calendar() - lapsed <= 12
    assert clock.quality == "simulated"


def test_the_bench_restores_a_lapsed_calendar_after_a_power_cut():
    clock = _unset_clock(BenchClock)
    bench_line.handle({"clock": {"utc": _NOW, "calendar": _NOW + 86400, "scale": 60}})
    assert 86400 <= clock.calendar() - _NOW <= 86400 + 120
    clock.set(_NOW + 5)  # the head-end corrects UTC: the calendar does not jump
    assert 86400 <= clock.calendar() - _NOW <= 86400 + 240
