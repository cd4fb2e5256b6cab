"""Proves that the figures kept elsewhere follow from the ledger.

Each capability that keeps a figure of money registers a proof of it in a module `proofs` of its
own. A proof compares in the database and returns what differs, by name.

Each night what is new is looked at: rows that came since an earlier run, and balances as a whole,
which are read from the last checkpoint on. What was changed or slipped in further back, behind
the database's own refusals, is found by the run over everything: each week, and when asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, Max, Model, OuterRef, QuerySet, Sum
from django.utils.module_loading import autodiscover_modules

from headend.ledger import chart, checkpoints
from headend.ledger.models import (
    Account,
    BankPayment,
    Checkpoint,
    Entry,
    KeptBalance,
    Line,
    Proving,
)
from headend.ledger.sums import Reading

OVERLAP = timedelta(days=1)  # longer than any transaction is open

_Row = TypeVar("_Row", bound=Model)


@dataclass(frozen=True)
class Difference:
    """Two figures that should be the same and are not, in minor units."""

    proof: str
    what: str  # which figure, for example "debt 17" or "sale 261121-7K3F9-QXMT2"
    currency: str
    ledger_minor: int
    elsewhere_minor: int

    def __str__(self) -> str:
        return (
            f"{self.proof}: {self.what}: the ledger says {self.ledger_minor}, "
            f"the record says {self.elsewhere_minor} ({self.currency}, minor units)"
        )


# (what, currency, by the ledger, by the record)
Finding = tuple[str, str, int, int]


class Scope:
    """Which rows a run looks at: all there are, or those that came since an earlier run.

    Args:
        since: what the earlier run reached, as `reached`; None: all rows.
    """

    def __init__(self, since: dict[str, int] | None = None) -> None:
        self._since = since
        self.reached: dict[str, int] = {}

    @property
    def is_whole(self) -> bool:
        """True if all rows are looked at."""
        return self._since is None

    def new(self, rows: QuerySet[_Row]) -> QuerySet[_Row]:
        """Return those of some rows that this run looks at, by their numbers."""
        name = rows.model._meta.label_lower
        if name not in self.reached:
            highest = rows.model._default_manager.aggregate(highest=Max("pk"))["highest"]
            self.reached[name] = highest or 0
        if self._since is None or name not in self._since:
            return rows
        return rows.filter(pk__gt=self._since[name])


Proof = Callable[[Scope], Iterable[Finding]]

_PROOFS: dict[str, Proof] = {}


def proof(name: str) -> Callable[[Proof], Proof]:
    """Register a function that yields what differs, under a name for people."""

    def register(function: Proof) -> Proof:
        _PROOFS[name] = function
        return function

    return register


def prove(*, at: datetime, whole: bool = True) -> Proving:
    """Run every proof on one unchanging view of the database and keep the outcome.

    Selling goes on meanwhile: readers and writers do not wait for each other.

    Args:
        at: now.
        whole: look at every row ever written. Otherwise at those that came since a run that
            found nothing, a day ago or more; at all if there is none, or if the last one found
            something.
    """
    autodiscover_modules("proofs")
    scope = Scope() if whole else Scope(_proved(at))
    started = time.monotonic()
    with _one_view():
        differences = [
            Difference(name, *finding)
            for name, function in _PROOFS.items()
            for finding in function(scope)
        ]
    return Proving.objects.create(
        at=at,
        seconds=round(time.monotonic() - started, 3),
        proofs=len(_PROOFS),
        is_whole=scope.is_whole,
        reached=scope.reached,
        differences=[asdict(difference) for difference in differences],
    )


def _proved(at: datetime) -> dict[str, int] | None:
    """Return up to which rows earlier runs found everything right."""
    last = Proving.objects.order_by("-pk").first()
    if last is None or last.differences:
        return None
    # A transaction that was open during that run has ended since: nothing comes below its numbers.
    sound = Proving.objects.filter(at__lte=at - OVERLAP, differences=[]).order_by("-pk").first()
    return sound.reached if sound else None


def differences_of(proving: Proving) -> list[Difference]:
    """Return what a kept run found."""
    return [Difference(**difference) for difference in proving.differences]


@contextmanager
def _one_view() -> Iterator[None]:
    """Read everything as of one instant, without a lock that a seller would wait for."""
    if connection.in_atomic_block:
        yield  # the caller's transaction decides
        return
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
        return
    # SQLite: an ordinary transaction of ours begins as a writer; this one only reads.
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")


@proof("entries add up to zero")
def _entries_balance(scope: Scope) -> Iterator[Finding]:
    lines = Line.objects.all()
    if not scope.is_whole:  # all lines of an entry: not all of them need be above a number
        lines = lines.filter(entry__in=scope.new(lines).order_by().values("entry"))
    rows = (
        lines.values_list("entry", "currency").annotate(total=Sum("amount_minor")).exclude(total=0)
    )
    for entry, currency, total in rows:
        yield f"entry {entry}", currency, total, 0


@proof("money in suspense is of payments that wait")
def _suspense_waits(_: Scope) -> Iterable[Finding]:
    held = Reading().each(Account.objects.filter(code=chart.SUSPENSE))
    ledger = {account.currency: -minor for account, minor in held}
    waiting = BankPayment.objects.filter(state=BankPayment.WAITING).order_by()
    told = dict(waiting.values_list("currency").annotate(total=Sum("amount_minor")))
    for currency in sorted({*ledger, *told}):
        figures = ledger.get(currency, 0), told.get(currency, 0)
        if figures[0] != figures[1]:
            yield "payments in suspense", currency, *figures


@proof("lines belong to an entry")
def _lines_have_entries(scope: Scope) -> Iterator[Finding]:
    # `Exists`, here and in other proofs: NOT IN of more rows than fit in memory is quadratic.
    lines = scope.new(Line.objects.filter(~Exists(Entry.objects.filter(pk=OuterRef("entry_id")))))
    for line_id, currency, amount_minor in lines.values_list("id", "currency", "amount_minor"):
        yield f"line {line_id} without an entry", currency, amount_minor, 0


@proof("lines are on accounts of the chart")
def _lines_have_accounts(scope: Scope) -> Iterator[Finding]:
    is_there = Exists(Account.objects.filter(pk=OuterRef("account_id")))
    lines = scope.new(Line.objects.filter(~is_there))
    for line_id, currency, amount_minor in lines.values_list("id", "currency", "amount_minor"):
        yield f"line {line_id} without an account", currency, amount_minor, 0
    # An account that went is missed from the balances kept of it, without reading old lines.
    kept = KeptBalance.objects.filter(~is_there).order_by("account_id", "-checkpoint_id")
    for account_id, balance_minor in kept.values_list("account_id", "balance_minor"):
        what = f"a kept balance of account number {account_id}, which is gone"
        yield what, settings.BASE_CURRENCY, balance_minor, 0
    for account in Account.objects.order_by("code", "currency"):
        if not chart.is_of_kind(account.code, account.kind):
            yield f"account {account.code} as {account.kind}", account.currency, 0, 0


@proof("lines have their account's currency")
def _lines_have_their_currency(scope: Scope) -> Iterator[Finding]:
    lines = scope.new(Line.objects.exclude(currency=F("account__currency")))
    for line_id, currency, amount_minor in lines.values_list("id", "currency", "amount_minor"):
        yield f"line {line_id} in another currency than its account", currency, amount_minor, 0


@proof("kept balances are the sums of their lines")
def _checkpoints_follow(scope: Scope) -> Iterator[Finding]:
    run = scope.new(Checkpoint.objects.order_by("number"))
    for checkpoint, account, due, kept in checkpoints.differing(run):
        what = f"account {account.code} at {checkpoint}"
        yield what, account.currency, due.balance_minor, kept.balance_minor
    for checkpoint in run:
        if checkpoints.breaks(checkpoint):
            what = f"the lines and days of {checkpoint}"
            yield what, settings.BASE_CURRENCY, 0, 0
