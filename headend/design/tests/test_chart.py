"""Charts show what they are given: nothing outside the frame, gaps stay gaps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headend.design import chart


def points(*amounts):
    return [chart.Point(str(at), amount, str(amount)) for at, amount in enumerate(amounts)]


@pytest.mark.parametrize(
    ("highest", "step"), [(1, 10), (50, 10), (51, 20), (1000, 200), (1001, 500), (26_000, 10_000)]
)
def test_ticks_are_round_and_few(highest, step):
    assert chart.step_of(highest, smallest=10) == step


def test_ticks_are_in_kwh():
    marks = chart.bar_chart(points(250, 900)).y_marks
    assert [mark.text for mark in marks] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]


def test_what_is_not_known_is_no_zero():
    drawn = chart.bar_chart(points(100, None, 0, 300))
    assert [bar.title for bar in drawn.bars] == ["100", "0", "300"]
    assert drawn.bars[1].height == 0


def test_a_line_breaks_where_nothing_is_known():
    drawn = chart.line_chart(points(5000, 4000, None, 9000), threshold=5000)
    assert [len(line.split()) for line in drawn.lines] == [2]
    assert len(drawn.dots) == 1
    assert drawn.threshold_y == int(drawn.lines[0].split()[0].split(",")[1])


@given(st.lists(st.none() | st.integers(-(10**7), 10**9), min_size=1, max_size=200))
def test_everything_stays_inside_the_frame(amounts):
    drawn = chart.bar_chart(points(*amounts))
    for bar in drawn.bars:
        assert bar.x >= chart.LEFT
        assert bar.x + bar.width <= drawn.right + 1
        assert bar.y >= 0
        assert bar.y + bar.height <= drawn.base + 1
    line_chart = chart.line_chart(points(*amounts), chart.NARROW)
    drawn = chart.bar_chart(points(*amounts), chart.NARROW)
    for line in [*line_chart.lines, *(f"{x},{y}" for x, y in line_chart.dots)]:
        for place in line.split():
            x, y = map(int, place.split(","))
            assert drawn.left <= x <= drawn.right
            assert 0 <= y <= drawn.base
