"""Numbers of rows appear in an order that can be waited for."""

from __future__ import annotations

import pytest
from django.db import transaction

from headend.accounts.services import console_user
from headend.audit import services as audit
from headend.audit.models import AuditEntry
from headend.config import batches
from headend.ledger.models import Line
from headend.ledger.services import Posting, post
from headend.testing import NOON


@pytest.mark.django_db
def test_numbers_that_are_waited_for_are_given_by_the_insertion() -> None:
    """Even in a batch: a number that was taken ahead would be of nobody who holds the lock."""
    by = console_user()
    with transaction.atomic(), batches.batch() as made:
        post(
            at=NOON,
            description="moved",
            reference="test",
            postings=[Posting("cash.tills", 5, "ZAR"), Posting("sales.energy", -5, "ZAR")],
        )
        audit.record(actor=by, action="test.act", target=by, at=NOON)
        waited_for = [one for one in made._kept if isinstance(one, Line | AuditEntry)]
        assert [one.pk for one in waited_for] == [None] * 3
