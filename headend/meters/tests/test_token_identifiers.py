"""Token identifiers: strictly increasing, one per minute, 00:01 left out, whatever the clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from headend.accounts.services import console_user
from headend.meters.errors import InvalidMeter, TokenIdentifiersExhausted
from headend.meters.models import Meter
from headend.meters.services import allocate_token_identifiers, take_over_token_identifiers
from headend.testing import make_meter
from shared.sts import token_identifier

pytestmark = pytest.mark.django_db
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
TID = int(MIDNIGHT.timestamp() - datetime(2014, 1, 1, tzinfo=UTC).timestamp()) // 60


@pytest.fixture
def meter():
    return make_meter()


def allocate(meter, at, count=1):
    return [tid - TID for tid in allocate_token_identifiers(meter, count=count, at=at)]


def test_names_the_minute_of_issue(meter):
    assert allocate(meter, MIDNIGHT + timedelta(minutes=5, seconds=59)) == [5]


def test_second_token_of_a_minute_takes_the_next_one(meter):
    at = MIDNIGHT + timedelta(minutes=5)
    assert allocate(meter, at) == [5]
    assert allocate(meter, at) == [6]


def test_reserved_minute_is_left_out(meter):
    assert allocate(meter, MIDNIGHT + timedelta(minutes=1)) == [2]
    other = make_meter()
    assert allocate(other, MIDNIGHT, count=3) == [0, 2, 3]


def test_clock_set_back_repeats_nothing(meter):
    assert allocate(meter, MIDNIGHT + timedelta(hours=2)) == [120]
    assert allocate(meter, MIDNIGHT + timedelta(hours=1)) == [121]
    assert allocate(meter, MIDNIGHT + timedelta(hours=3)) == [180]


def test_old_copy_of_the_meter_repeats_nothing(meter):
    copy = Meter.objects.get(pk=meter.pk)
    assert allocate(meter, MIDNIGHT + timedelta(minutes=10)) == [10]
    assert allocate(copy, MIDNIGHT + timedelta(minutes=10)) == [11]
    assert copy.last_tid == TID + 11


def test_last_identifier_of_the_base_date(meter):
    Meter.objects.filter(pk=meter.pk).update(last_tid=token_identifier.MAXIMUM)
    meter.refresh_from_db()
    with pytest.raises(TokenIdentifiersExhausted, match="later base date"):
        allocate(meter, MIDNIGHT)


def test_time_before_the_base_date(meter):
    with pytest.raises(TokenIdentifiersExhausted):
        allocate(meter, datetime(2013, 12, 31, tzinfo=UTC))


class TestAnyClock(TestCase):
    """A clock that jumps anywhere."""

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.tuples(st.integers(-3000, 3000), st.integers(1, 4)), max_size=12))
    def test_strictly_increasing_and_never_reserved(self, steps):
        meter, given_so_far = make_meter(), []
        for minutes, count in steps:
            at = MIDNIGHT + timedelta(minutes=minutes)
            fresh = allocate_token_identifiers(meter, count=count, at=at)
            assert len(fresh) == count
            assert fresh[0] >= TID + minutes
            given_so_far += fresh
        assert given_so_far == sorted(set(given_so_far))
        assert not any(token_identifier.is_reserved(tid) for tid in given_so_far)


def take_over(meter, last_tid):
    return take_over_token_identifiers(
        meter, last_tid=TID + last_tid, by=console_user(), at=MIDNIGHT
    )


def test_after_a_take_over_the_next_lies_above_the_last_of_the_other_system(meter):
    assert take_over(meter, 9)
    assert allocate(meter, MIDNIGHT + timedelta(minutes=5)) == [10]
    assert not take_over(meter, 10)
    assert not take_over(meter, 3)
    assert allocate(meter, MIDNIGHT + timedelta(minutes=5)) == [11]


@pytest.mark.parametrize("last_tid", [24 * 60 + 1, -TID - 1])
def test_what_nobody_can_have_issued_yet_is_not_taken_over(meter, last_tid):
    with pytest.raises(InvalidMeter, match="base date"):
        take_over(meter, last_tid)
    assert Meter.objects.get(pk=meter.pk).last_tid is None
