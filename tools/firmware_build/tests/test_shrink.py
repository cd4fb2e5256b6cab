"""A program that was made smaller does what it did."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools import firmware_build
from tools.firmware_build.link import CannotLink
from tools.firmware_build.shrink import JOINED, Program

CODES = """
'''Numbers.'''
OK = 0
BUSY = 1 << 3
UNUSED = 77
LAST = BUSY + 4
NAMES = {OK: "ok", BUSY: "busy"}
"""

COUNTER = """
from app import codes

_LIMIT = 3
step = 2


class Counter:
    '''Counts.'''

    KIND = "counter"

    def __init__(self, start):
        self._total = start
        self.step = step

    def advance(self, by=_LIMIT, *, twice=False):
        self._total += by * (2 if twice else 1)
        return self._check(self._total)

    def _check(self, total):
        return codes.BUSY if total > _LIMIT else codes.OK

    def never_called(self):
        return self._total


def advance(counter, step):
    '''Its parameter has the name of what stands at the top.'''
    return [counter.advance(step) for step in range(step)]


def nobody_calls_this():
    return advance
"""

MAIN = """
import sys

from app import codes, counter
from app.codes import LAST as last_code
from app.counter import Counter, advance

_seen = []
step = "mine"


def note(text):
    global _seen
    _seen = _seen + [text]


def late():
    from app.late import describe

    return describe("late")


class Loud(Counter):
    def advance(self, by):
        code = super().advance(by, twice=True)
        return "loud %d" % code


def main():
    codes_of = [code for code in advance(Counter(0), 3)]
    note(codes_of)
    note(Loud(1).advance(2))
    note((codes.NAMES[codes.BUSY], last_code, step, counter.step))
    note(late())
    note(getattr(Counter(5), "advance")(1))
    (lambda step: note(step))("shadow")
    Counter(0).wrong = 1
    note(Counter.KIND)
    print(_seen)
"""

LATE = """
from app.codes import NAMES as names, OK


def describe(word):
    return word + " " + names[OK]


def encode():
    return "nobody wants this"
"""

SOURCES = {"app.codes": CODES, "app.counter": COUNTER, "app.main": MAIN, "app.late": LATE}
JOIN = ["app.codes", "app.counter", "app.main"]


def _run(folder: Path, modules: dict[str, str], start: str) -> str:
    for name, text in modules.items():
        path = folder.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", start], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def program() -> Program:
    return Program(SOURCES, {}, main="app.main", joined=JOIN)


def test_it_prints_the_same(tmp_path: Path, program: Program) -> None:
    before = _run(tmp_path / "before", SOURCES, "from app.main import main; main()")
    after = _run(tmp_path / "after", program.modules, f"from {JOINED} import main; main()")
    assert "busy" in before
    assert "late ok" in before
    assert after == before


def test_modules_are_joined_but_for_those_loaded_later(program: Program) -> None:
    assert sorted(program.modules) == ["app.late", JOINED]


def test_constants_are_numbers_and_what_nothing_uses_is_gone(program: Program) -> None:
    joined = program.modules[JOINED]
    for name in ("BUSY", "LAST", "UNUSED", "77", "nobody_calls_this", "never_called", "_LIMIT"):
        assert name not in joined, name
    assert "12" in joined
    assert "encode" not in program.modules["app.late"]


def test_texts_public_attributes_and_classes_keep_their_names(program: Program) -> None:
    joined = program.modules[JOINED]
    for name in ("class Counter", "class Loud", '"advance"', ".step", "'shadow'", "twice=True"):
        assert name in joined or name.replace('"', "'") in joined, name


def test_the_legend_says_what_short_names_mean(program: Program) -> None:
    joined = program.modules[JOINED]
    lines = [line for line in program.legend if line.endswith("is app.counter.advance")]
    assert len(lines) == 1
    short = lines[0].split()[1]
    assert f"def {short}(" in joined
    assert any(line.startswith("app.counter: _") and "_check" in line for line in program.legend)


@pytest.mark.parametrize(
    ("main", "complaint"),
    [
        ("from app import codes\n\n\ndef main():\n    print(codes)\n", "used as an object"),
        ("from app import codes\n\n\ndef main():\n    print(codes.ABSENT)\n", "has no ABSENT"),
        ("from json import codes\n\n\ndef main():\n    print(codes)\n", "codes"),
    ],
)
def test_what_cannot_be_joined_is_refused(main: str, complaint: str) -> None:
    sources = {
        "app.codes": CODES,
        "app.other": "from app import codes\n\n\nOTHER = (codes.OK, codes.NAMES)\n",
        "app.third": "from re import codes\n",
        "app.main": main,
    }
    joined = ["app.codes", "app.other", "app.main"]
    if "json" in main:
        joined.insert(2, "app.third")
    with pytest.raises(CannotLink, match=complaint):
        Program(sources, {}, main="app.main", joined=joined)


def test_a_build_for_a_device_has_the_program_and_nothing_simulated() -> None:
    folder = firmware_build.build("meter", simulated=False)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {"main.py", "program.mpy", "firmware/meter/texts_en.mpy", "names.txt"} <= files
    assert not {name for name in files if name.startswith(("machine", "bench", "esp32", "time"))}
    assert not {name for name in files if "wide" in name or "generation" in name}
    keypad = firmware_build.build("keypad", simulated=False)
    assert not list(keypad.rglob("*sts*"))


def test_an_unknown_board_and_broken_source_are_named(tmp_path: Path) -> None:
    with pytest.raises(firmware_build.BuildFailed, match="no board called fridge"):
        firmware_build.build("fridge")
    with pytest.raises(firmware_build.BuildFailed, match="broken"):
        firmware_build.compile_module("match x:\n  case 1: pass\n", tmp_path / "x.mpy", "broken")
