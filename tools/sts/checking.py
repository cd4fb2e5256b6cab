"""Runs a file of test vectors through the codec, here or inside a MicroPython."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.sts import vectors
from shared.sts.errors import StsError, WrongFormat
from tools import interpreters
from tools.sts import keys

ON_DEVICE = interpreters.REPOSITORY / "tools" / "sts" / "check_on_micropython.py"


@dataclass(frozen=True)
class Outcome:
    """What one vector showed.

    Attributes:
        vector_id: its id in the file.
        differences: what differs; empty if it is ok.
        unchecked: its output fields that this program does not know.
    """

    vector_id: str
    differences: list[str]
    unchecked: list[str]


def load(path: Path) -> list[dict[str, Any]]:
    """Return the vectors of a file.

    Raises:
        WrongFormat: it cannot be read, or is not a file of vectors.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise WrongFormat(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise WrongFormat(f"{path} is not JSON") from None
    listed = content.get("vectors") if isinstance(content, dict) else None
    if not isinstance(listed, list) or not listed:
        raise WrongFormat(f"{path} has no list of vectors")
    if not all(isinstance(vector, dict) and "id" in vector for vector in listed):
        raise WrongFormat(f"{path} has a vector without an id")
    return listed


def check(listed: list[dict[str, Any]], on: str | None) -> Iterator[Outcome]:
    """Yield the outcome of each vector.

    Args:
        listed: vectors, from `load`.
        on: name of an interpreter, None for this one.

    Raises:
        InterpreterMissing: it is not on this machine.
        WrongFormat: it stopped before the last vector.
    """
    prepared = [_prepare(vector) for vector in listed]
    if on is None:
        yield from (_check_here(vector, derived) for vector, derived in prepared)
    else:
        yield from _check_inside(on, prepared)


def _prepare(vector: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str] | str]:
    """Return a vector with its decoder keys, or with the reason why there are none."""
    try:
        return vector, keys.for_vector(vector)
    except StsError as error:
        return vector, str(error)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return vector, f"malformed: {error!r}"


def _check_here(vector: dict[str, Any], derived: dict[str, str] | str) -> Outcome:
    if isinstance(derived, str):
        return Outcome(str(vector["id"]), [derived], [])
    try:
        found, unchecked = vectors.differences(vector, derived)
    except Exception as error:
        found, unchecked = [f"stopped by {type(error).__name__}: {error}"], []
    return Outcome(str(vector["id"]), found, unchecked)


def _check_inside(
    on: str, prepared: list[tuple[dict[str, Any], dict[str, str] | str]]
) -> Iterator[Outcome]:
    lines = "".join(
        json.dumps([vector, derived]) + "\n"
        for vector, derived in prepared
        if not isinstance(derived, str)
    )
    done = interpreters.run(on, [str(ON_DEVICE)], stdin=lines)
    answers = iter(done.stdout.splitlines())
    for vector, derived in prepared:
        if isinstance(derived, str):
            yield _check_here(vector, derived)
            continue
        answer = next(answers, None)
        if answer is None:
            raise WrongFormat(f"{on} stopped at vector {vector['id']}: {done.stderr.strip()}")
        found, unchecked = json.loads(answer)
        yield Outcome(str(vector["id"]), found, unchecked)
