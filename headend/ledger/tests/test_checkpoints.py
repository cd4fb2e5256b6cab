"""Balances kept at checkpoints change no figure: each is exactly the sum of its lines."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from headend.ledger import cash, chart, checkpoints, queries
from headend.ledger.models import Account, Checkpoint, KeptBalance, Line
from headend.ledger.services import Posting, post
from headend.ledger.sums import Reading, Sums
from headend.testing import NOON

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
several_writers = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has one writer: lines appear in order"
)

CODES = ("cash.safe", "cash.tills", "debts.1", "debts.2", "sales.energy", "wallets.7")
# Usually within days; sometimes the clock is a year ahead, or somebody enters what was long ago.
INSTANTS = st.builds(
    lambda hours, far: NOON + hours * HOUR + far * 365 * DAY,
    st.integers(-60, 60),
    st.sampled_from((0, 0, 0, 0, 0, 0, -1, 1)),
)
MOVES = st.tuples(
    INSTANTS,
    st.permutations(CODES).map(lambda codes: tuple(codes[:2])),
    st.sampled_from((1, 5, -5, 700)),
    st.sampled_from(("ZAR", "ZAR", "USD")),
)
HISTORIES = st.lists(st.one_of(MOVES, MOVES, INSTANTS), max_size=14)


def move(at: datetime, codes: tuple[str, str], minor: int, currency: str = "ZAR") -> None:
    debit, credit = codes
    post(
        at=at,
        description="moved",
        reference="test",
        postings=[Posting(debit, minor, currency), Posting(credit, -minor, currency)],
    )


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def plain_balances(until: datetime | None) -> dict[tuple[str, str], int]:
    found: defaultdict[tuple[str, str], int] = defaultdict(int)
    for line in plain_lines(None, until):
        found[line.account.code, line.currency] += line.amount_minor
    return dict(found)


def plain_lines(since: datetime | None, until: datetime | None) -> list[Any]:
    return [
        line
        for line in Line.objects.select_related("entry", "account").order_by("entry__at", "pk")
        if (since is None or line.entry.at >= since) and (until is None or line.entry.at < until)
    ]


@given(HISTORIES, st.none() | INSTANTS, st.none() | INSTANTS)
@settings(max_examples=30, deadline=None)
def test_any_history_of_moves_and_checkpoints_leaves_plain_sums(
    history: list[Any], since: datetime | None, until: datetime | None
) -> None:
    with undone():
        for step in history:
            if isinstance(step, datetime):
                checkpoints.make(at=step)
            else:
                move(*step)
        balances = plain_balances(until)
        assert {
            (one.code, one.currency): one.amount_minor
            for one in queries.trial_balance(until=until)
        } == balances
        check_collapsed(balances, until)
        for account in Account.objects.all():
            check_statement(account, since, until)
        check_present()
        run = Checkpoint.objects.order_by("number")
        for first in (1, 2, 3):
            assert list(checkpoints.differing(run.filter(number__gte=first))) == []
        assert not any(checkpoints.breaks(one) for one in Checkpoint.objects.all())


def check_collapsed(balances: dict[tuple[str, str], int], until: datetime | None) -> None:
    expected: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for (code, currency), minor in balances.items():
        expected[chart.shown_as(code), currency].append(minor)
    assert {
        (one.code, one.currency): (one.amount_minor, one.accounts)
        for one in queries.trial_balance(until=until, collapsed=True)
    } == {key: (sum(minors), len(minors)) for key, minors in expected.items()}


def check_statement(account: Account, since: datetime | None, until: datetime | None) -> None:
    told = queries.statement(account, since=since, until=until)
    own = [line for line in plain_lines(since, until) if line.account_id == account.pk]
    opening_minor = 0
    if since is not None:
        before = plain_lines(None, since)
        opening_minor = sum(one.amount_minor for one in before if one.account_id == account.pk)
    assert told.opening_minor == opening_minor
    assert told.debits_minor == sum(max(line.amount_minor, 0) for line in own)
    assert told.credits_minor == sum(line.credit_minor for line in own)
    expected = []
    for line in own:
        opening_minor += line.amount_minor
        expected.append((line.pk, opening_minor))
    assert [(line.pk, line.balance_minor) for line in told.lines] == expected
    for start in range(0, len(own), 2):
        page = told.lines[start : start + 2]
        assert [(line.pk, line.balance_minor) for line in page] == expected[start : start + 2]


def check_present() -> None:
    safe = Account.objects.filter(code=chart.CASH_IN_SAFE, currency="ZAR")
    held_minor = plain_balances(None).get((chart.CASH_IN_SAFE, "ZAR"), 0)
    assert queries.balance_minor(chart.CASH_IN_SAFE, "ZAR") == held_minor
    if held_minor >= 0:
        cash.check(chart.CASH_IN_SAFE, held_minor, "ZAR")
    with pytest.raises(cash.SafeTooLow):
        cash.check(chart.CASH_IN_SAFE, max(held_minor, 0) + 1, "ZAR")
    assert queries.balance_minor("cash", "ZAR") == sum(
        minor
        for (code, currency), minor in plain_balances(None).items()
        if code.startswith("cash.") and currency == "ZAR"
    )
    for account in safe:
        so_far_minor = 0
        for line in account.lines.order_by("pk"):
            so_far_minor += line.amount_minor
            told = Reading(up_to_line=line.pk).sums(account.pk)
            assert told.balance_minor == so_far_minor


def test_a_checkpoint_keeps_what_moved_since_the_last() -> None:
    assert checkpoints.make(at=NOON) is None
    move(NOON, ("cash.tills", "sales.energy"), 100)
    first = checkpoints.make(at=NOON + HOUR)
    move(NOON + HOUR, ("cash.tills", "debts.1"), 20)
    second = checkpoints.make(at=NOON + DAY)
    assert first is not None
    assert second is not None
    assert checkpoints.make(at=NOON + DAY) is None
    assert (second.number, second.after_line) == (2, first.last_line)
    assert {
        (one.checkpoint_id, one.account.code, one.balance_minor, one.credits_minor, one.lines)
        for one in KeptBalance.objects.select_related("account")
    } == {
        (1, "cash.tills", 100, 0, 1),
        (1, "sales.energy", -100, 100, 1),
        (2, "cash.tills", 120, 0, 2),
        (2, "debts.1", -20, 20, 1),
    }


def test_what_was_added_up_is_not_read_again() -> None:
    move(NOON, ("cash.safe", "sales.energy"), 100)
    made = checkpoints.make(at=NOON)
    assert made is not None
    with CaptureQueriesContext(connection) as asked:
        queries.trial_balance()
        queries.balance_minor("cash", "ZAR")
        cash.check("cash.safe", 100, "ZAR")
    of_lines = [one["sql"] for one in asked if '"ledger_line"' in one["sql"]]
    assert len(of_lines) == 3
    assert all(f'"ledger_line"."id" > {made.last_line}' in text for text in of_lines)


@pytest.mark.parametrize("table", ["ledger_checkpoint", "ledger_keptbalance"])
def test_the_database_refuses_to_change_what_is_kept(table: str) -> None:
    move(NOON, ("cash.tills", "sales.energy"), 100)
    checkpoints.make(at=NOON)
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET made_at = made_at"):
        statement = statement.replace("made_at", "id") if "kept" in table else statement
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
@several_writers
def test_a_line_that_is_not_committed_yet_is_waited_for() -> None:
    move(NOON, ("cash.tills", "sales.energy"), 1)  # opens the accounts
    is_written, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                move(NOON, ("cash.tills", "sales.energy"), 20)
                is_written.set()
                assert may_commit.wait(60)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert is_written.wait(60)
    move(NOON, ("cash.tills", "sales.energy"), 300)  # a higher number, committed sooner
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        may_commit.set()
        thread.join()

    made = checkpoints.make(at=NOON, wait=wait)
    assert waited
    assert made is not None
    assert made.last_line == Line.objects.latest("pk").pk
    assert queries.balance_minor("cash.tills", "ZAR") == 321
    assert KeptBalance.objects.get(account__code="cash.tills").balance_minor == 321


@pytest.mark.django_db(transaction=True)
@several_writers
def test_a_transaction_that_does_not_end_is_told_and_nothing_is_kept() -> None:
    move(NOON, ("cash.tills", "sales.energy"), 1)
    is_written, may_end = threading.Event(), threading.Event()

    def stuck() -> None:
        try:
            with undone():
                move(NOON, ("cash.tills", "sales.energy"), 20)
                is_written.set()
                assert may_end.wait(60)
        finally:
            connection.close()

    thread = threading.Thread(target=stuck)
    thread.start()
    assert is_written.wait(60)
    try:
        with pytest.raises(checkpoints.StillPosting, match="open for more than 60 s"):
            checkpoints.make(at=NOON, wait=lambda seconds: None)
    finally:
        may_end.set()
        thread.join()
    assert not Checkpoint.objects.exists()
    assert Reading().sums(Account.objects.get(code="cash.tills").pk) == Sums(1, 0, 1)
