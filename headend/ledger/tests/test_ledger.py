"""The ledger balances and never changes, whoever writes to the database."""

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from headend.ledger import queries, services
from headend.ledger.models import Account, Entry, Line
from headend.ledger.services import Posting, UnbalancedEntry, post
from headend.testing import NOON

pytestmark = pytest.mark.django_db


def entry(*postings):
    return post(
        at=NOON,
        description="test",
        reference="test:1",
        postings=[Posting(code, amount, "ZAR") for code, amount in postings],
    )


def test_balances_follow_the_entries():
    entry(("cash.tills", 115), ("sales.energy", -100), ("tax.sales", -15))
    entry(("cash.tills", 10), ("sales.energy", -10))
    assert queries.balance_minor("cash.tills", "ZAR") == 125
    assert queries.balance_minor("sales.energy", "ZAR") == -110
    assert sum(balance.amount_minor for balance in queries.trial_balance()) == 0


def test_lines_of_nothing_are_left_out():
    made = entry(("cash.tills", 10), ("sales.energy", -10), ("tax.sales", 0))
    assert made.lines.count() == 2


@pytest.mark.parametrize(
    "postings",
    [[("cash.tills", 10), ("sales.energy", -9)], [("cash.tills", 10)], [], [("cash.tills", 0)]],
)
def test_unbalanced_is_refused(postings):
    with pytest.raises(UnbalancedEntry):
        entry(*postings)
    assert not Line.objects.exists()


def test_currencies_balance_one_by_one():
    with pytest.raises(UnbalancedEntry):
        post(
            at=NOON,
            description="test",
            reference="test:1",
            postings=[Posting("cash.tills", 10, "ZAR"), Posting("sales.energy", -10, "USD")],
        )


@pytest.fixture
def account():
    return Account.objects.create(code="cash.x", currency="ZAR", kind="asset")


def line(entry_id, account, amount):
    return Line.objects.create(
        entry_id=entry_id, account=account, amount_minor=amount, currency="ZAR"
    )


def test_database_refuses_unbalanced_entry(account):
    line(1, account, 5)
    line(1, account, -4)
    with pytest.raises(IntegrityError, match="add up to zero"), transaction.atomic():
        Entry.objects.create(id=1, at=NOON, description="", reference="")
    line(1, account, -1)
    Entry.objects.create(id=1, at=NOON, description="", reference="")


def test_database_refuses_entry_without_lines():
    with pytest.raises(IntegrityError, match="add up to zero"), transaction.atomic():
        Entry.objects.create(id=1, at=NOON, description="", reference="")


@pytest.mark.django_db(transaction=True)
def test_database_refuses_to_commit_lines_without_their_entry(account):
    def write_lines_only():
        with transaction.atomic():
            line(1, account, 5)
            line(1, account, -5)

    with pytest.raises(IntegrityError):
        write_lines_only()
    assert not Line.objects.exists()


def test_posted_entry_takes_no_more_lines(account):
    posted = entry(("cash.tills", 10), ("sales.energy", -10))
    with pytest.raises(IntegrityError, match="no more lines"), transaction.atomic():
        line(posted.pk, account, 5)


def test_line_has_its_accounts_currency():
    account = Account.objects.create(code="cash.x", currency="USD", kind="asset")
    with pytest.raises(IntegrityError, match="currency"), transaction.atomic():
        line(1, account, 5)


@pytest.mark.parametrize("table", ["ledger_line", "ledger_entry", "ledger_account"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id + 1", "DELETE FROM {}"])
def test_database_refuses_changes(table, statement):
    entry(("cash.tills", 10), ("sales.energy", -10))
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite has INSERT OR REPLACE")
def test_an_account_is_not_replaced_by_another_name(account):
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT OR REPLACE INTO ledger_account (id, code, currency, kind) "
            "SELECT id, code || 'x', currency, kind FROM ledger_account"
        )
    account.refresh_from_db()


class TestAnyEntries(TestCase):
    """Random entries, through the service and past it."""

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=5), max_size=5))
    def test_what_is_accepted_is_balanced(self, entries):
        accepted = 0
        for amounts in entries:
            postings = [Posting(f"cash.a{i}", a, "ZAR") for i, a in enumerate(amounts)]
            closing = Posting("sales.energy", -sum(amounts), "ZAR")
            for attempt in (postings, [*postings, closing]):
                is_balanced = not sum(p.amount_minor for p in attempt)
                is_something = any(p.amount_minor for p in attempt)
                try:
                    post(at=NOON, description="", reference="", postings=attempt)
                except UnbalancedEntry:
                    assert not (is_balanced and is_something)
                else:
                    assert is_balanced
                    accepted += 1
        assert Entry.objects.count() == accepted
        assert sum(b.amount_minor for b in queries.trial_balance()) == 0


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_a_line_slipped_in_by_another_transaction_is_refused(account):
    """Written before the entry is visible, committed after: caught at that commit."""
    other = connection.copy()
    other.set_autocommit(False)

    def slip_in():
        with transaction.atomic():
            line(7, account, 3)
            with other.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO ledger_line (entry_id, account_id, amount_minor, currency)"
                    " VALUES (7, %s, 5, 'ZAR'), (7, %s, -5, 'ZAR')",
                    [account.pk, account.pk],
                )
                cursor.execute(
                    "INSERT INTO ledger_entry (id, at, description, reference)"
                    " VALUES (7, now(), '', '')"
                )
            other.commit()

    try:
        with pytest.raises(IntegrityError, match="add up to zero"):
            slip_in()
    finally:
        other.close()
    assert queries.trial_balance()[0].amount_minor == 0


def test_ids_rise_and_differ():
    ids = [services._new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(0 < id_ < 2**63 for id_ in ids)
