"""Why a command of the head-end did not do its work, in one sentence, and its exit status."""

from __future__ import annotations

from typing import NamedTuple

from django.db import DatabaseError, InterfaceError

REFUSED = 1
ASKED_WRONGLY = 2  # by an argument or a setting
UNKNOWN = 3  # the database did not answer; what was asked may have been done


class Trouble(NamedTuple):
    """Why it was not done."""

    status: int
    code: str  # for programs
    text: str


def with_database(error: DatabaseError | InterfaceError) -> Trouble:
    """Tell what is the matter with the database.

    Args:
        error: as Django raised it.
    """
    text = str(error).strip().split("\n")[0]
    if any(said in text for said in ("no such table", "no such column", "does not exist")):
        text = (
            "the head-end's database is not set up, or not for this version of the program: "
            "'make run' does it, or 'python -m headend.manage migrate' as its owner"
        )
        return Trouble(REFUSED, "database_missing", text)
    return Trouble(UNKNOWN, "unknown", f"no answer from the database ({text})")
