"""The link's behaviour, on CPython and inside each MicroPython."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from firmware.meter.tests import check_link_commands, check_link_reports

MODULES = (check_link_commands, check_link_reports)
CHECKS = [
    pytest.param(check, id=name)
    for module in MODULES
    for name, check in vars(module).items()
    if name.startswith("test_")
]


@pytest.mark.parametrize("check", CHECKS)
def test_headend_link(check: Callable[[], None]) -> None:
    check()


@pytest.mark.parametrize("module", [module.__name__ for module in MODULES])
def test_headend_link_on_micropython(run_on_micropython: Any, module: str) -> None:
    assert "0 failed" in run_on_micropython(module, heap="4M")
