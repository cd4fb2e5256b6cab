"""Shows on the console the messages to people among the lines of a program's log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

NOTIFICATION = b"[notification to "  # as the head-end's console carrier prints a message


class News:
    """Follows a log file from its present end.

    Args:
        log: the file; it may not be there yet.
        tell: takes each whole line that is a message to a person.
    """

    def __init__(self, log: Path, tell: Callable[[str], object]) -> None:
        self._log = log
        self._tell = tell
        self._read_to = log.stat().st_size if log.exists() else 0

    def look(self) -> None:
        """Tell what is new since the last look; a line still being written waits."""
        if not self._log.exists():
            return
        with self._log.open("rb") as file:
            file.seek(self._read_to)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._read_to += len(line)
                if line.startswith(NOTIFICATION):
                    self._tell(line.decode(errors="replace").rstrip())
