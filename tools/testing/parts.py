"""Optional parts of a test machine: a missing one skips its tests here and fails them in CI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


def missing(reason: str) -> None:
    """Skip the running test with a reason; where CI=true, fail it instead."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"missing on CI: {reason}")
    pytest.skip(reason)


def program(name: str, *more_places: str) -> str:
    """Return the path of a program, or skip (CI: fail) the running test.

    Args:
        name: the program's name.
        more_places: folders, or patterns of folders, to search besides the PATH.
    """
    found = shutil.which(name)
    if found:
        return found
    for place in more_places:
        for candidate in sorted(Path("/").glob(f"{place.lstrip('/')}/{name}"), reverse=True):
            return str(candidate)
    missing(f"{name} is not installed; 'make test' installs it where apt and root are to be had")
    raise AssertionError("unreachable")
