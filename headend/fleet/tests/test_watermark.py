"""The watermark never passes a message that was lost, and no hole holds it for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headend.fleet.watermark import NOTHING, advance, extends


def test_the_next_message_extends_it() -> None:
    assert extends((1, 4), (1, 5), (1, 4))
    assert extends((1, 4), (2, 5), (1, 4))
    assert extends((1, 4), (1, 9), (1, 4))  # 5 to 8 were thinned out by the meter


def test_a_lost_message_stops_it() -> None:
    assert not extends((1, 4), (1, 6), (1, 5))
    assert not extends((1, 4), (1, 6), None)


def test_what_it_covers_does_not_move_it() -> None:
    assert not extends((1, 4), (1, 4), (1, 3))
    assert not extends((1, 4), (1, 2), None)


def test_without_a_word_of_what_came_before() -> None:
    assert extends((1, 4), (1, 5), None)
    assert extends((1, 4), (2, 1), None)
    assert not extends((1, 4), (2, 2), None)


def test_closing_a_gap_covers_what_waited_beyond() -> None:
    beyond = [((1, 6), (1, 5)), ((1, 7), (1, 6)), ((1, 9), (1, 8))]
    assert advance((1, 5), beyond) == (1, 7)


@given(
    kept=st.lists(st.integers(1, 60), unique=True, min_size=1).map(sorted),
    lost=st.sets(st.integers(1, 60)),
)
def test_it_covers_exactly_what_came_before_the_first_loss(
    kept: list[int], lost: set[int]
) -> None:
    """Some numbers are thinned out (not kept), some of the rest are lost on the way."""
    numbers = [(1, seq) for seq in kept]
    stored = [
        (number, after)
        for after, number in zip([NOTHING, *numbers], numbers, strict=False)
        if number[1] not in lost
    ]
    covered = NOTHING
    for number in numbers:
        if number[1] in lost:
            break
        covered = number
    assert advance(NOTHING, stored) == covered
