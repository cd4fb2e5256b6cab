"""The terms of sale, kept in memory for as long as they stay as they are.

Who may sell, at which price and under which vending key changes some times a day and is asked at
every sale. The database gives the terms a new edition with each change of one of their tables;
see migration 0002 of `headend.api`. A request asks for the edition first. What the process
keeps of that very edition need not be read again.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

_MOST_KEPT = 4096  # answers; beyond that nothing more is kept until the next edition


class TermsChanged(Exception):
    """The request relied on an edition that has ended; nothing was done yet, so begin it anew."""


class _Edition:
    """What is kept of one edition."""

    def __init__(self, number: int | None) -> None:
        self.number = number  # None: not known, so nothing of it can be relied on
        self.answers: dict[Hashable, Any] = {}


class _Reliance:
    """What one request relies on."""

    def __init__(self, edition: _Edition, question: Any) -> None:
        self.edition = edition
        self.question = question
        self.is_confirmed = False  # it is the one in force
        self.is_relied_on = False


_newest = _Edition(None)  # of this process; threads replace it, never change its number
_here = threading.local()  # `reliance`


@contextmanager
def relied_on(question: Any) -> Iterator[None]:
    """Rely inside on what is kept, until the database tells that it has another edition.

    Args:
        question: what asks the database for the number of its edition.

    Raises:
        TermsChanged: something that was relied on has changed; the next attempt knows the edition.
    """
    _here.reliance = _Reliance(_newest, question)
    try:
        yield
    finally:
        _here.reliance = None


def question() -> Any:
    """Return what has to be asked before anything else is; None: nothing, or it was already."""
    reliance = _reliance()
    return None if reliance is None or reliance.is_confirmed else reliance.question


def confirm(number: int | None) -> None:
    """Take note of the edition in force.

    Args:
        number: of the edition; what is read after it is of that edition or a later one. None:
            the database has none, and nothing is kept.

    Raises:
        TermsChanged: an answer of another edition was relied on already.
    """
    global _newest
    reliance = _reliance()
    if reliance is None:
        return
    reliance.is_confirmed = True
    if number is not None and reliance.edition.number == number:
        return
    if number is None or _newest.number != number:
        _newest = _Edition(number)
    reliance.edition = _newest
    if reliance.is_relied_on:
        raise TermsChanged


def kept(asked: Hashable) -> Any:
    """Return the answer that is kept; None if there is none to rely on."""
    reliance = _reliance()
    if reliance is None:
        return None
    answer = reliance.edition.answers.get(asked)
    reliance.is_relied_on |= answer is not None
    return answer


def keep(asked: Hashable, answer: Any) -> None:
    """Keep an answer that was read after the edition was confirmed."""
    reliance = _reliance()
    if reliance is None or not reliance.is_confirmed or reliance.edition.number is None:
        return
    if len(reliance.edition.answers) < _MOST_KEPT:
        reliance.edition.answers[asked] = answer


def _reliance() -> _Reliance | None:
    return getattr(_here, "reliance", None)
