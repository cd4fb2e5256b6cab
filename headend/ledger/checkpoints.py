"""Keeps all balances at checkpoints, so that no figure has to add up every line ever written.

A checkpoint stands for every line up to a number. Lines are numbered by the database when they
are written and appear when their transaction commits, so a lower number can appear after a higher
one. A checkpoint is made once every transaction that may still hold a lower number has ended; from
then on no line can appear among them, whatever an entry's date says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, Min, QuerySet

from headend.config.open_writers import writers_of
from headend.ledger.models import Account, Checkpoint, KeptBalance, Line
from headend.ledger.sums import Sums, kept_at, summed

_WAIT_S = 60.0  # for transactions that are open; a sale takes milliseconds, an import a second
_LOOK_EVERY_S = 0.2
_AT_ONCE = 1000  # rows of one statement


class StillPosting(Exception):
    """A transaction that writes to the ledger does not end."""


def make(*, at: datetime, wait: Callable[[float], None] = time.sleep) -> Checkpoint | None:
    """Make a checkpoint of all lines so far. Nobody who sells waits for it.

    Call it outside of transactions, by one process at a time; of two at once, one fails.

    Args:
        at: now.
        wait: lets so many seconds go by.

    Returns:
        Checkpoint: the new one; None if no line was written since the last.

    Raises:
        StillPosting: a transaction that was open at the beginning still is after a minute.
    """
    last_line = Line.objects.aggregate(last=Max("pk"))["last"]
    if last_line is None:
        return None
    _outwait_writers(wait)
    with transaction.atomic():
        before = Checkpoint.objects.order_by("-number").first()
        after_line = before.last_line if before else 0
        if last_line <= after_line:
            return None
        lines = Line.objects.filter(pk__gt=after_line, pk__lte=last_line)
        made = Checkpoint.objects.create(
            number=before.number + 1 if before else 1,
            made_at=at,
            after_line=after_line,
            last_line=last_line,
            **_span(lines),
        )
        KeptBalance.objects.bulk_create(
            (
                KeptBalance(
                    checkpoint=made,
                    account_id=account_id,
                    balance_minor=sums.balance_minor,
                    credits_minor=sums.credits_minor,
                    lines=sums.lines,
                )
                for account_id, sums in _due(made).items()
            ),
            batch_size=_AT_ONCE,
        )
    return made


def differing(run: Iterable[Checkpoint]) -> Iterator[tuple[Checkpoint, Account, Sums, Sums]]:
    """Yield what checkpoints keep otherwise than their own lines and those before them say.

    Each takes the one before it as right: who wants to know all of them asks about each.

    Args:
        run: checkpoints that follow one another.

    Yields:
        tuple: the checkpoint, the account, what it should keep, what it keeps; nothing kept is
        Sums().
    """
    before: dict[int, Sums] = {}  # carried along: to ask anew at each costs more than the lines
    before_run = None
    for checkpoint in run:
        if before_run is None:
            before_run = checkpoint.number - 1
        moved = summed(_own(checkpoint))
        before |= kept_at(before_run, moved.keys() - before.keys())
        due = _after(before, moved)
        rows = checkpoint.balances.values_list(
            "account_id", "balance_minor", "credits_minor", "lines"
        )
        kept = {account_id: Sums(*figures) for account_id, *figures in rows.iterator()}
        wrong = sorted(
            pk for pk in due.keys() | kept.keys() if due.get(pk, Sums()) != kept.get(pk, Sums())
        )
        accounts = Account.objects.in_bulk(wrong)
        for pk in wrong:
            yield checkpoint, accounts[pk], due.get(pk, Sums()), kept.get(pk, Sums())
        before |= kept


def breaks(checkpoint: Checkpoint) -> bool:
    """Say whether a checkpoint does not follow the one before it, or tells wrong days."""
    before = Checkpoint.objects.filter(number=checkpoint.number - 1).first()
    span = _span(_own(checkpoint))
    return (before.last_line if before else 0) != checkpoint.after_line or span != {
        "first_at": checkpoint.first_at,
        "last_at": checkpoint.last_at,
    }


def _own(checkpoint: Checkpoint) -> QuerySet[Line]:
    return Line.objects.filter(pk__gt=checkpoint.after_line, pk__lte=checkpoint.last_line)


def _span(lines: QuerySet[Line]) -> dict[str, Any]:
    return lines.aggregate(first_at=Min("entry__at"), last_at=Max("entry__at"))


def _due(checkpoint: Checkpoint) -> dict[int, Sums]:
    """Return what a checkpoint is to keep, by account: what was kept before and its own lines."""
    moved = summed(_own(checkpoint))
    return _after(kept_at(checkpoint.number - 1, moved), moved)


def _after(before: dict[int, Sums], moved: dict[int, Sums]) -> dict[int, Sums]:
    return {pk: sums + before.get(pk, Sums()) for pk, sums in moved.items()}


def _outwait_writers(wait: Callable[[float], None]) -> None:
    """Wait until every transaction that writes lines now has ended."""
    waited_for = writers_of(Line)
    waits = int(_WAIT_S / _LOOK_EVERY_S)
    while waited_for and waits:
        wait(_LOOK_EVERY_S)
        waited_for &= writers_of(Line)
        waits -= 1
    if waited_for:
        raise StillPosting(
            f"{len(waited_for)} transactions that write to the ledger are open for more than "
            f"{_WAIT_S:.0f} s; end them, see pg_stat_activity"
        )
