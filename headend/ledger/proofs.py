"""Proves that the figures kept elsewhere follow from the ledger.

Each capability that keeps a figure of money registers a proof of it in a module `proofs` of its
own. A proof compares in the database and returns what differs, by name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Sum
from django.utils.module_loading import autodiscover_modules

from headend.ledger import chart
from headend.ledger.models import BankPayment, Entry, Line, Proving


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
Proof = Callable[[], Iterable[Finding]]

_PROOFS: dict[str, Proof] = {}


def proof(name: str) -> Callable[[Proof], Proof]:
    """Register a function that yields what differs, under a name for people."""

    def register(function: Proof) -> Proof:
        _PROOFS[name] = function
        return function

    return register


def prove(*, at: datetime) -> Proving:
    """Run every proof on one unchanging view of the database and keep the outcome.

    Selling goes on meanwhile: readers and writers do not wait for each other.

    Args:
        at: now.
    """
    autodiscover_modules("proofs")
    started = time.monotonic()
    with _one_view():
        differences = [
            Difference(name, *finding)
            for name, function in _PROOFS.items()
            for finding in function()
        ]
    return Proving.objects.create(
        at=at,
        seconds=round(time.monotonic() - started, 3),
        proofs=len(_PROOFS),
        differences=[asdict(difference) for difference in differences],
    )


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
def _entries_balance() -> Iterator[Finding]:
    rows = (
        Line.objects.values_list("entry", "currency")
        .annotate(total=Sum("amount_minor"))
        .exclude(total=0)
    )
    for entry, currency, total in rows:
        yield f"entry {entry}", currency, total, 0


@proof("money in suspense is of payments that wait")
def _suspense_waits() -> Iterable[Finding]:
    held = Line.objects.filter(account__code=chart.SUSPENSE).order_by()
    ledger = dict(held.values_list("currency").annotate(total=-Sum("amount_minor")))
    waiting = BankPayment.objects.filter(state=BankPayment.WAITING).order_by()
    told = dict(waiting.values_list("currency").annotate(total=Sum("amount_minor")))
    for currency in sorted({*ledger, *told}):
        figures = ledger.get(currency, 0), told.get(currency, 0)
        if figures[0] != figures[1]:
            yield "payments in suspense", currency, *figures


@proof("lines belong to an entry")
def _lines_have_entries() -> Iterator[Finding]:
    # `Exists`, here and in other proofs: NOT IN of more rows than fit in memory is quadratic.
    lines = Line.objects.filter(~Exists(Entry.objects.filter(pk=OuterRef("entry_id"))))
    for line_id, currency, amount_minor in lines.values_list("id", "currency", "amount_minor"):
        yield f"line {line_id} without an entry", currency, amount_minor, 0


@proof("lines have their account's currency")
def _lines_have_their_currency() -> Iterator[Finding]:
    lines = Line.objects.exclude(currency=F("account__currency"))
    for line_id, currency, amount_minor in lines.values_list("id", "currency", "amount_minor"):
        yield f"line {line_id} in another currency than its account", currency, amount_minor, 0
