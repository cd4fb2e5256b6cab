"""Anticipated errors: what a service refuses, with a stable code and a sentence for a person."""

from __future__ import annotations

from typing import ClassVar

from django.db import OperationalError


class Refusal(Exception):
    """A service refused what was asked; nothing was changed.

    Interfaces catch this one class: `code` is for programs and never changes, `str()` is one
    sentence that names the thing and the remedy.
    """

    code: ClassVar[str] = "refused"

    @property
    def sentence(self) -> str:
        """What is refused and why, with a capital and a full stop, for a page or a form."""
        text = str(self)
        ended = text if text.endswith((".", "?", "!")) else f"{text}."
        return f"{ended[:1].upper()}{ended[1:]}"


class NotPermitted(Refusal):
    """The user lacks the permission that the act needs."""

    code = "not_permitted"


class DatabaseBusy(OperationalError):
    """Others wrote to the database for as long as this writer was willing to wait.

    It is no refusal, for what was asked may be well: the transaction has not begun, so it can be
    tried again.
    """
