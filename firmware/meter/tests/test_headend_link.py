"""The link's behaviour, on CPython and inside each MicroPython."""

from __future__ import annotations

from typing import Any

import pytest

from firmware.meter.tests import check_headend_link


@pytest.mark.parametrize(
    "name", [name for name in dir(check_headend_link) if name.startswith("test_")]
)
def test_headend_link(name: str) -> None:
    getattr(check_headend_link, name)()


def test_headend_link_on_micropython(run_on_micropython: Any) -> None:
    assert "0 failed" in run_on_micropython("firmware.meter.tests.check_headend_link", heap="4M")
