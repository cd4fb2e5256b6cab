"""From where an act comes, an address or the command line: noted at the door, for the record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

COMMAND_LINE = "command line"
_origin: ContextVar[str] = ContextVar("origin", default="")


@contextmanager
def coming_from(place: str) -> Iterator[None]:
    """Have what is recorded inside say where it came from."""
    before = _origin.set(place)
    try:
        yield
    finally:
        _origin.reset(before)


def with_origin(source: str) -> str:
    """Return what an entry says of its source, and from where that was reached.

    Args:
        source: the channel or program that the act itself names, or nothing.
    """
    place = _origin.get()
    if not place or place in source:
        return source
    return f"{source}, {place}" if source else place
