"""Geometry of the charts: numbers in, coordinates out. The template `design/chart.html` draws it.

Pure and in integers, so that a chart is tested like any other calculation and needs no script.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

LEFT, RIGHT, TOP, BOTTOM = 52, 8, 18, 26
STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Frame:
    """Size of a drawing: letters keep theirs, so a phone needs a drawing of its own."""

    name: str
    width: int
    height: int
    x_labels: int


WIDE = Frame("wide", 640, 220, 6)
NARROW = Frame("narrow", 300, 190, 3)


@dataclass(frozen=True)
class Point:
    """One value of a chart: what it stands for, and how much; None where nothing is known."""

    label: str
    amount: int | None
    title: str


@dataclass(frozen=True)
class Mark:
    """A text at a place: a tick of an axis."""

    at: int
    text: str


@dataclass(frozen=True)
class Bar:
    """One bar in the drawing's coordinates, with what is shown on hover."""

    x: int
    y: int
    width: int
    height: int
    title: str


@dataclass(frozen=True)
class Chart:
    """A drawing: bars or a line, and both axes."""

    frame: Frame
    y_marks: list[Mark]
    x_marks: list[Mark]
    bars: list[Bar] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    dots: list[tuple[int, int]] = field(default_factory=list)
    threshold_y: int | None = None
    left: int = LEFT

    @property
    def right(self) -> int:
        """Where the axis ends."""
        return self.frame.width - RIGHT

    @property
    def base(self) -> int:
        """Where the plot ends at the bottom."""
        return self.frame.height - BOTTOM


def step_of(highest: int, *, smallest: int) -> int:
    """A round distance between ticks: 1, 2 or 5 times a power of ten, so that at most five fit.

    Args:
        highest: the largest value to be shown, >= 0.
        smallest: the least distance, > 0.
    """
    size = 1
    while True:
        for step in STEPS:
            if step * size >= smallest and highest <= 5 * step * size:
                return step * size
        size *= 10


def _tick_text(wh: int, step: int) -> str:
    whole, rest = divmod(wh, 1000)
    if step >= 1000 or not wh:
        return str(whole)
    decimals = f"{rest:03d}".rstrip("0")
    return f"{whole}.{decimals}" if decimals else str(whole)


class _Scale:
    """Vertical axis in watt-hours, from zero or from the step below the lowest value."""

    def __init__(self, amounts: list[int], frame: Frame) -> None:
        self.height = frame.height
        highest, lowest = max([*amounts, 0]), min([*amounts, 0])
        self.step = step_of(max(highest, -lowest, 1), smallest=10)
        self.low = lowest // self.step * self.step
        self.high = max(-(-highest // self.step) * self.step, self.low + self.step)

    def y(self, amount: int) -> int:
        """Place of a value, from the top."""
        room = self.height - TOP - BOTTOM
        return self.height - BOTTOM - room * (amount - self.low) // (self.high - self.low)

    def marks(self) -> list[Mark]:
        """Ticks with their texts in kWh."""
        return [
            Mark(self.y(wh), _tick_text(wh, self.step) if wh >= 0 else f"−{-wh / 1000:g}")
            for wh in range(self.low, self.high + 1, self.step)
        ]


def _x_marks(points: Sequence[Point], centre: Sequence[int], count: int) -> list[Mark]:
    every = max(1, -(-len(points) // count))
    return [Mark(centre[at], point.label) for at, point in enumerate(points) if at % every == 0]


def _known(points: Sequence[Point]) -> list[int]:
    return [point.amount for point in points if point.amount is not None]


def bar_chart(points: Sequence[Point], frame: Frame = WIDE) -> Chart:
    """Bars side by side; a point that is not known leaves its place empty.

    Args:
        points: at least one, in order of time; amounts in Wh.
        frame: size of the drawing.
    """
    scale = _Scale(_known(points), frame)
    room = frame.width - LEFT - RIGHT
    edges = [LEFT + room * at // len(points) for at in range(len(points) + 1)]
    gap = 1 if room // len(points) < 10 else 3
    bars = []
    for at, point in enumerate(points):
        if point.amount is None:
            continue
        y, base = scale.y(max(point.amount, 0)), scale.y(min(point.amount, 0))
        height = max(base - y, 1 if point.amount else 0)
        wide = max(edges[at + 1] - edges[at] - gap, 1)
        bars.append(Bar(edges[at], base - height, wide, height, point.title))
    centres = [(edges[at] + edges[at + 1]) // 2 for at in range(len(points))]
    return Chart(frame, scale.marks(), _x_marks(points, centres, frame.x_labels), bars=bars)


def line_chart(
    points: Sequence[Point], frame: Frame = WIDE, *, threshold: int | None = None
) -> Chart:
    """A line that breaks where nothing is known; a value all alone is a dot.

    Args:
        points: at least one, in order of time; amounts in Wh.
        frame: size of the drawing.
        threshold: a level to mark, in Wh.
    """
    scale = _Scale([*_known(points), *([threshold] if threshold else [])], frame)
    room = frame.width - LEFT - RIGHT
    places = [LEFT + room * (2 * at + 1) // (2 * len(points)) for at in range(len(points))]
    lines: list[list[tuple[int, int]]] = [[]]
    for at, point in enumerate(points):
        if point.amount is None:
            lines.append([])
            continue
        lines[-1].append((places[at], scale.y(point.amount)))
    return Chart(
        frame,
        scale.marks(),
        _x_marks(points, places, frame.x_labels),
        lines=[" ".join(f"{x},{y}" for x, y in line) for line in lines if len(line) > 1],
        dots=[line[0] for line in lines if len(line) == 1],
        threshold_y=scale.y(threshold) if threshold else None,
    )
