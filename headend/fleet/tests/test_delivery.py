"""The table of deliveries: every pair of state and occurrence, and what answers mean."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from headend.fleet.delivery import (
    FINISHED,
    IN_DELIVERY,
    TRANSITIONS,
    UNFINISHED,
    Occurrence,
    State,
    deferral_delay,
    judge_answer,
    next_state,
    resend_delay,
)
from shared.sts import result
from shared.wire import codes

_ORDER = [State.PENDING, State.QUEUED, State.PUBLISHED, State.RECEIVED, State.ACCEPTED]
_ANSWERS = {Occurrence.METER_ACCEPTED, Occurrence.METER_REJECTED}


def test_a_delivery_that_goes_well() -> None:
    state: str = State.PENDING
    for occurrence, reached in zip(
        [
            Occurrence.NUMBERED,
            Occurrence.BROKER_TOOK,
            Occurrence.METER_RECEIVED,
            Occurrence.METER_ACCEPTED,
        ],
        _ORDER[1:],
        strict=True,
    ):
        state = next_state(state, occurrence) or ""
        assert state == reached


def test_only_a_deferral_moves_backwards() -> None:
    for (before, occurrence), after in TRANSITIONS.items():
        if before in _ORDER and after in _ORDER and occurrence != Occurrence.METER_DEFERRED:
            assert _ORDER.index(after) > _ORDER.index(before)


def test_the_meters_word_is_final() -> None:
    for ended in (State.ACCEPTED, State.REJECTED, State.SUPERSEDED):
        for occurrence in Occurrence:
            assert next_state(ended, occurrence) is None


def test_only_the_meters_answer_counts_after_the_end() -> None:
    for ended, occurrence in itertools.product(FINISHED, Occurrence):
        if next_state(ended, occurrence) is not None:
            assert occurrence in _ANSWERS


def test_nothing_sent_is_superseded() -> None:
    for state in State:
        assert (next_state(state, Occurrence.REPLACED) is not None) == (state == State.PENDING)


@pytest.mark.parametrize("state", sorted(UNFINISHED))
def test_everything_unfinished_can_end(state: State) -> None:
    assert next_state(state, Occurrence.TIME_RAN_OUT) == State.EXPIRED
    assert next_state(state, Occurrence.WITHDRAWN) == State.CANCELLED


@pytest.mark.parametrize("state", sorted(IN_DELIVERY))
def test_an_answer_may_overtake_what_comes_before_it(state: State) -> None:
    assert next_state(state, Occurrence.METER_ACCEPTED) == State.ACCEPTED


def test_what_was_never_sent_is_never_answered() -> None:
    assert next_state(State.PENDING, Occurrence.METER_ACCEPTED) is None
    assert next_state(State.PENDING, Occurrence.BROKER_TOOK) is None


@pytest.mark.parametrize(
    ("command", "status", "detail", "tid", "expected"),
    [
        ("token", result.ACCEPT, {}, 100, Occurrence.METER_ACCEPTED),
        ("token", result.FIRST_SECTION, {}, None, Occurrence.METER_ACCEPTED),
        ("token", result.USED_ERROR, {}, 100, Occurrence.METER_ACCEPTED),
        ("token", result.USED_ERROR, {"tid": 100}, 100, Occurrence.METER_ACCEPTED),
        ("token", result.USED_ERROR, {"tid": 101}, 100, Occurrence.METER_REJECTED),
        ("token", result.USED_ERROR, {}, None, Occurrence.METER_REJECTED),
        ("token", result.OLD_ERROR, {}, 100, Occurrence.METER_REJECTED),
        ("token", result.OVERFLOW_ERROR, {}, 100, Occurrence.METER_REJECTED),
        ("token", codes.OK, {}, 100, Occurrence.METER_REJECTED),
        ("token", codes.BUSY, {}, 100, Occurrence.METER_DEFERRED),
        ("ping", codes.OK, {}, None, Occurrence.METER_ACCEPTED),
        ("ping", result.ACCEPT, {}, None, Occurrence.METER_REJECTED),
        ("configure", codes.BAD_ARGUMENTS, {}, None, Occurrence.METER_REJECTED),
        ("configure", codes.CLOCK_MISMATCH, {}, None, Occurrence.METER_DEFERRED),
    ],
)
def test_what_an_answer_means(
    command: str, status: int, detail: dict[str, int], tid: int | None, expected: Occurrence
) -> None:
    judged = judge_answer(command=command, status=status, detail=detail, token_identifier=tid)
    assert judged == expected


def test_resends_slow_down_and_go_on() -> None:
    delays = [resend_delay(each) for each in range(1, 100)]
    assert delays == sorted(delays)
    assert delays[0] == timedelta(seconds=10)
    assert delays[-1] == timedelta(minutes=5)
    assert deferral_delay(1) == timedelta(seconds=2)
    assert deferral_delay(1000) == timedelta(hours=1)
