"""Which user the servers run as when root starts the system."""

from __future__ import annotations

import os
import pwd
import stat
import sys
from pathlib import Path

from tools import interpreters

FALLBACK_USER = "nobody"


class NoServerUser(Exception):
    """Root started us and no other user can run the servers; the text says why."""


def server_user(data: Path) -> str | None:
    """Return the user who shall run the servers; None when we are not root.

    It is the owner of the source tree if that is a person, else `nobody`.

    Args:
        data: the data folder, which that user will be given.

    Raises:
        NoServerUser: that user can't read the programs, or can't get to the data folder.
    """
    if os.geteuid() != 0:
        return None
    owner = interpreters.REPOSITORY.stat().st_uid
    try:
        account = pwd.getpwuid(owner) if owner else pwd.getpwnam(FALLBACK_USER)
    except KeyError:
        raise NoServerUser(f"there is no user {owner or FALLBACK_USER}") from None
    programs = (interpreters.REPOSITORY, Path(sys.executable), Path(sys.executable).resolve())
    for path in (*programs, data.resolve().parent):
        if not _reachable(path, account):
            raise NoServerUser(f"user {account.pw_name} may not read {path}")
    return account.pw_name


def give(folder: Path, user: str) -> None:
    """Make a folder and all in it the user's own."""
    account = pwd.getpwnam(user)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _reachable(path: Path, account: pwd.struct_passwd) -> bool:
    return all(_allows(part.stat(), account) for part in (path, *path.parents))


def _allows(status: os.stat_result, account: pwd.struct_passwd) -> bool:
    """True if the user may read and enter (or execute) it, by the mode bits."""
    if status.st_uid == account.pw_uid:
        wanted = stat.S_IRUSR | stat.S_IXUSR
    elif status.st_gid == account.pw_gid:
        wanted = stat.S_IRGRP | stat.S_IXGRP
    else:
        wanted = stat.S_IROTH | stat.S_IXOTH
    return status.st_mode & wanted == wanted
