"""Prepared statements: several at once, in order, and what a failure among them leaves."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from headend.config import pipeline, prepared, writing
from headend.testing import NOON, traffic
from headend.vendors.models import Vendor

pytestmark = pytest.mark.django_db

_COUNT = prepared.Statement("SELECT count(*) FROM vendors_vendor WHERE name = %s")


def vendor(name):
    return writing.insert(Vendor(name=name, currency="ZAR", created_at=NOON))


def test_each_sees_what_came_before_it():
    answers = prepared.run([vendor("A"), prepared.Ask(_COUNT, ("A",))])
    assert answers == [[], [(1,)]]


def test_after_a_failure_the_same_statements_work_again():
    asks = [vendor("B"), prepared.Ask(_COUNT, ("B",)), vendor("B")]
    for _ in range(2):
        with pytest.raises(IntegrityError), transaction.atomic():
            prepared.run(asks)
    assert prepared.run([prepared.Ask(_COUNT, ("B",)), vendor("B")]) == [[(0,)], []]


def test_a_row_that_did_not_change_is_read_once_and_gives_an_object_of_its_own_each_time():
    prepared.run([vendor("K")])
    kept = prepared.Statement(
        "SELECT {v:vendors.Vendor}, length(name) FROM vendors_vendor v WHERE name = %s",
        keeps=True,
        also=("letters",),
    )
    first, second = (prepared.first(kept, "K") for _ in range(2))
    assert (second.name, second.letters) == ("K", 1)
    assert second.created_at is first.created_at
    second.phone = "not saved"
    assert prepared.first(kept, "K").phone == first.phone == ""
    Vendor.objects.filter(name="K").update(phone="1")
    assert prepared.first(kept, "K").phone == "1"


def test_facts_that_are_asked_together_are_one_statement():
    prepared.run([vendor("F")])
    count = prepared.Statement("SELECT (SELECT count(*) FROM vendors_vendor)", facts=1)
    two = prepared.Statement("SELECT (SELECT max(name) FROM vendors_vendor), %s", facts=2)
    with traffic() as seen, prepared.ahead((count,), (_COUNT, "F"), (two, 7)):
        answers = [
            prepared.rows(count),
            prepared.rows(two, 7),
            prepared.rows(_COUNT, "F"),
        ]
    assert [(len(answer), len(answer[0])) for answer in answers] == [(1, 1), (1, 2), (1, 1)]
    assert answers[0] == answers[2] == [(1,)]
    assert answers[1][0][0] == "F"
    assert (seen.trips, len(seen.statements)) == (1, 2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite prepares nothing")
def test_a_connection_keeps_a_bounded_number_of_prepared_statements(monkeypatch):
    monkeypatch.setattr(pipeline, "MOST_PREPARED", 5)
    held = prepared.Statement("SELECT count(*) FROM pg_prepared_statements")
    for number in range(20):
        statement = prepared.Statement(f"SELECT {number}")
        with transaction.atomic():
            assert prepared.run([prepared.Ask(statement, ())] * 2) == [[(number,)]] * 2
    [[(count,)]] = prepared.run([prepared.Ask(held, ())])
    assert count <= 5
    # What had to make room is prepared again, also after a failure that came too early for it.
    with pytest.raises(DatabaseError), transaction.atomic():
        prepared.run([prepared.Ask(prepared.Statement("SELECT nothing"), ())])
    first = prepared.Statement("SELECT 0")
    assert prepared.run([prepared.Ask(first, ()), prepared.Ask(_COUNT, ("H",))]) == [[(0,)]] * 2


def test_what_was_asked_ahead_is_not_asked_again():
    with traffic() as seen, prepared.ahead((_COUNT, "G")), prepared.ahead((_COUNT, "G")):
        assert prepared.rows(_COUNT, "G") == [(0,)]
    assert seen.trips == 1
