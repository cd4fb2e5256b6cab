"""Keeps the files of the data folder to the one who owns them.

A folder of an earlier version, or one that was copied, may hold a database or keys that others on
the machine can read. What is ours is closed when a program starts; what belongs to somebody else
we could not close, and whether they meant it is not known: that is refused by name.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from headend.config.environment import BadSetting

_OTHERS = stat.S_IRWXO  # what a group may do is for whoever made the group

log = logging.getLogger(__name__)


def keep_private(files: Iterable[Path]) -> list[Path]:
    """Take from files what others may do with them.

    Args:
        files: those that are not there are left out.

    Returns:
        Those that others could read or change until now.

    Raises:
        BadSetting: one belongs to somebody else, and others may read or change it.
    """
    closed = []
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue
        if not stat.S_ISREG(status.st_mode) or not status.st_mode & _OTHERS:
            continue
        try:
            os.chmod(file, stat.S_IMODE(status.st_mode) & ~_OTHERS)
        except OSError:
            raise BadSetting(
                f"{file} can be read by others on this machine and is not ours to close; "
                f"have its owner run: chmod o= {file}"
            ) from None
        log.warning("%s could be read by others on this machine; it is closed now", file)
        closed.append(file)
    return closed
