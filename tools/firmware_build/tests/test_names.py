"""The names that are said to cost nothing are in the interpreters' own memory."""

from __future__ import annotations

import re

from tools import interpreters
from tools.firmware_build.names import IN_EVERY_INTERPRETER

# Compiling a name stores it, unless it is there. The first line stores what the loop itself needs.
_PROGRAM = """
import micropython, sys
for name in [""] + sys.stdin.read().split():
    print("@", name)
    compile("x." + name if name else "x", "", "eval")
    micropython.qstr_info()
"""


def test_names_of_every_interpreter_are_not_stored_again(interpreter: str) -> None:
    done = interpreters.run(interpreter, ["-c", _PROGRAM], stdin=" ".join(IN_EVERY_INTERPRETER))
    counts = re.findall(r"@ (\S*)\n.*?n_qstr=(\d+)", done.stdout, re.DOTALL)
    assert [name for name, _ in counts] == ["", *IN_EVERY_INTERPRETER]
    before = counts[0][1]
    assert [name for name, count in counts if count != before] == []
