"""Shortened names and folded constants leave a program's meaning alone."""

from __future__ import annotations

from tools.firmware_build import shrink

COUNTER = '''"""Counts."""

_STEP = 2
_LIMIT = _STEP * 3 + 1
_WORDS = ("low", "high")


class Counter:
    """Counts in steps."""

    def __init__(self):
        self._total = 0
        self.é = "_total"; self._step = _STEP

    def _room(self, _more):
        return self._total + _more <= _LIMIT

    def up(self):
        if self._room(self._step):
            self._total += self._step
        return self._total, _WORDS[self._total > 3], self.é
'''

OTHER = '''"""Uses another name for another thing."""

import _thread


def _identity(value):
    return value


class Other:
    def __init__(self):
        self._held = _identity(5)
        self.thread = _thread
'''


def run(text: str) -> dict[str, object]:
    found: dict[str, object] = {"const": lambda value: value}
    exec(compile(text, "module", "exec"), found)
    return found


def test_the_program_does_the_same() -> None:
    short = shrink.short_names([COUNTER, OTHER])
    before, after = run(COUNTER), run(shrink.shrink(COUNTER, short))
    for module in (before, after):
        counter = module["Counter"]()  # type: ignore[operator]
        assert [counter.up() for _ in range(4)] == [
            (2, "low", "_total"),
            (4, "high", "_total"),
            (6, "high", "_total"),
            (6, "high", "_total"),
        ]


def test_names_that_never_meet_share_a_short_one() -> None:
    short = shrink.short_names([COUNTER, OTHER])
    assert len(set(short.values())) == 7  # as many as the file with the most has
    assert {len(name) for name in short.values()} == {2}


def test_imported_names_stay() -> None:
    short = shrink.short_names([COUNTER, OTHER])
    assert "_thread" not in short
    assert "import _thread" in shrink.shrink(OTHER, short)


def test_whole_numbers_set_once_become_constants() -> None:
    text = shrink.shrink(COUNTER, shrink.short_names([COUNTER]))
    assert text.count("const(") == 2
    assert shrink.shrink("_a = 1\n_a = 2\n_b = _a\n", {}) == "_a = 1\n_a = 2\n_b = _a\n"


def test_lines_stay_where_they_are() -> None:
    text = shrink.shrink(COUNTER, shrink.short_names([COUNTER]))
    assert text.count("\n") == COUNTER.count("\n")
    assert [line.strip()[:4] for line in text.splitlines() if "def " in line] == ["def "] * 3
