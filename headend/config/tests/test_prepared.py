"""Prepared statements: several at once, in order, and what a failure among them leaves."""

import pytest
from django.db import IntegrityError, transaction

from headend.config import prepared
from headend.testing import NOON
from headend.vendors.models import Vendor

pytestmark = pytest.mark.django_db

_COUNT = prepared.Statement("SELECT count(*) FROM vendors_vendor WHERE name = %s")


def vendor(name):
    return prepared.insert(Vendor(name=name, currency="ZAR", created_at=NOON))


def test_each_sees_what_came_before_it():
    answers = prepared.run([vendor("A"), prepared.Ask(_COUNT, ("A",))])
    assert answers == [[], [(1,)]]


def test_after_a_failure_the_same_statements_work_again():
    asks = [vendor("B"), prepared.Ask(_COUNT, ("B",)), vendor("B")]
    for _ in range(2):
        with pytest.raises(IntegrityError), transaction.atomic():
            prepared.run(asks)
    assert prepared.run([prepared.Ask(_COUNT, ("B",)), vendor("B")]) == [[(0,)], []]


def test_what_is_gathered_is_written_at_the_end():
    with prepared.gathering():
        prepared.save(Vendor(name="C", currency="ZAR", created_at=NOON))
        assert prepared.rows(_COUNT, "C") == [(0,)]
    assert prepared.rows(_COUNT, "C") == [(1,)]


def test_a_change_that_changes_nothing_is_refused():
    nobody = prepared.Statement("UPDATE vendors_vendor SET name = %s WHERE id = -1 RETURNING id")
    with pytest.raises(prepared.RowGone), prepared.gathering():
        prepared.change(nobody, "D")
