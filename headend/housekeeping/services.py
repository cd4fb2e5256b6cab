"""Does the chores that are due, one process at a time, and keeps what came of each."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config.chores import Chore, Outcome, all_chores
from headend.config.errors import Refusal
from headend.fleet.work_items import open_work_item
from headend.housekeeping.dueness import Last, due_at
from headend.housekeeping.lock import only_one
from headend.housekeeping.models import ChoreRecord

log = logging.getLogger(__name__)


class UnknownChore(Refusal):
    """No chore has that name."""

    code = "unknown_chore"


def last_of(record: ChoreRecord) -> Last:
    """Return how a chore stands."""
    is_finished = record.begun_at is None or record.ended_at is not None
    return Last(record.begun_at, is_finished, record.failures, record.asked_at)


def do_due(*, clock: Callable[[], datetime] = timezone.now) -> list[ChoreRecord]:
    """Do what is due, unless another process is doing so.

    Args:
        clock: tells the time.

    Returns:
        list: what was done.
    """
    records = {one.name: one for one in ChoreRecord.objects.all()}
    if not any(_is_due(chore, records.get(chore.name), clock()) for chore in all_chores()):
        return []
    with only_one() as is_ours:
        if not is_ours:
            return []
        # Looked at again: another process may just have done them.
        records = {one.name: one for one in ChoreRecord.objects.all()}
        return [
            _do(chore, clock)
            for chore in all_chores()
            if _is_due(chore, records.get(chore.name), clock())
        ]


@transaction.atomic
def ask_for(name: str, *, by: User, at: datetime) -> ChoreRecord:
    """Have a chore done as soon as the housekeeping program looks.

    Args:
        name: the chore's.
        by: who wants it; needs housekeeping.run_chore.
        at: now.

    Raises:
        UnknownChore: there is none of that name.
    """
    require(by, "housekeeping.run_chore")
    if name not in {chore.name for chore in all_chores()}:
        raise UnknownChore(f"no chore is called {name}")
    record, _ = ChoreRecord.objects.update_or_create(name=name, defaults={"asked_at": at})
    audit.record(actor=by, action="housekeeping.ask_for", target=record, at=at)
    return record


def _is_due(chore: Chore, record: ChoreRecord | None, at: datetime) -> bool:
    last = last_of(record) if record else Last()
    zone = timezone.get_default_timezone()
    return due_at(chore.schedule, last, at=at, zone=zone) <= at


def _do(chore: Chore, clock: Callable[[], datetime]) -> ChoreRecord:
    """Do one chore; that it was begun is kept first, so that a crash is seen afterwards."""
    at = clock()
    record, _ = ChoreRecord.objects.get_or_create(name=chore.name)
    failures = record.failures + (record.begun_at is not None and record.ended_at is None)
    ChoreRecord.objects.filter(pk=record.pk).update(begun_at=at, ended_at=None, failures=failures)
    try:
        outcome = chore.act(at=at)
        failures = 0
    except Exception as error:  # a chore is anything; the others still have to be done
        log.exception("the chore %s could not be done", chore.name)
        outcome = Outcome(f"It could not be done: {type(error).__name__}: {error}", is_well=False)
        failures += 1
    with transaction.atomic():
        record = ChoreRecord.objects.select_for_update().get(pk=record.pk)
        record.ended_at, record.failures = clock(), failures
        record.told, record.is_well = outcome.told[:500], outcome.is_well
        record.save(update_fields=["ended_at", "failures", "told", "is_well"])
        if not outcome.is_well:
            open_work_item(
                kind="housekeeping",
                cause=f"chore:{chore.name}",
                summary=f"{chore.title}: it is not so. {outcome.told}",
                at=at,
            )
    return record
