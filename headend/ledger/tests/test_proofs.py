"""The check finds, by name, whatever somebody changed behind the services' back."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from headend.accounts.services import console_user
from headend.conftest import _disable_triggers
from headend.ledger import proofs
from headend.ledger.models import Proving
from headend.ledger.services import Posting, post
from headend.testing import NOON, make_supply
from headend.vending.services import vend

pytestmark = pytest.mark.django_db


@pytest.fixture
def sale():
    return vend(
        caller="till",
        message_id="m1",
        meter=make_supply().meter,
        tender_minor=5000,
        operator=console_user(),
        at=NOON,
    )


@pytest.fixture
def tamper(transactional_db):
    """Run SQL with the database's own defences down, as its owner could."""

    def run(statement, *parameters):
        with_triggers_again = _disable_triggers()
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
        with_triggers_again()

    return run


def found():
    return {(one.proof, one.what) for one in proofs.differences_of(proofs.prove(at=NOON))}


def test_an_honest_ledger_is_proved(sale):
    assert found() == set()
    proving = Proving.objects.get()
    assert proving.proofs >= 6
    assert proving.differences == []


def test_a_sale_that_was_made_larger_is_named(sale, tamper):
    tamper("UPDATE vending_sale SET tender_minor = 6000 WHERE id = %s", sale.pk)
    assert found() == {
        ("a sale's lines add up to its tender", f"sale {sale}"),
        ("a sale's money is in the ledger once", f"sale {sale}"),
    }


def test_a_line_that_was_made_smaller_is_named(sale, tamper):
    tamper("UPDATE ledger_line SET amount_minor = amount_minor + 1 WHERE amount_minor = -4325")
    names = {proof for proof, _ in found()}
    assert {"entries add up to zero", "a sale's money is in the ledger once"} <= names


def test_an_entry_that_was_booked_twice_is_named(sale):
    post(
        at=NOON,
        description="again",
        reference=f"sale:{sale}",
        postings=[Posting("cash.tills", 5000, "ZAR"), Posting("sales.energy", -5000, "ZAR")],
    )
    assert ("a sale's money is in the ledger once", f"sale {sale}") in found()


def test_money_booked_for_a_sale_that_is_not_there_is_named(sale):
    post(
        at=NOON,
        description="invented",
        reference="sale:invented",
        postings=[Posting("cash.tills", 7, "ZAR"), Posting("sales.energy", -7, "ZAR")],
    )
    assert ("an entry of a sale belongs to one", "sale:invented") in found()


def test_the_page_names_what_differs(log_in, sale):
    post(
        at=NOON,
        description="invented",
        reference="sale:invented",
        postings=[Posting("cash.tills", 7, "ZAR"), Posting("sales.energy", -7, "ZAR")],
    )
    proofs.prove(at=NOON)
    assert "sale:invented" in log_in("auditor").get("/ledger/").content.decode().lower()


@pytest.mark.django_db(transaction=True)
def test_proving_waits_for_no_seller_and_holds_none_up(sale):
    proofs.prove(at=NOON)
    assert not connection.in_atomic_block
    with connection.cursor() as cursor:  # back in the usual state: this writes
        cursor.execute("UPDATE ledger_account SET code = code")


def test_no_proof_takes_longer_than_in_proportion_to_what_there_is(sale):
    with CaptureQueriesContext(connection) as asked:
        assert found() == set()
    # PostgreSQL reads the inner list anew for each row once it is too long for its memory.
    doubtful = [
        one["sql"] for one in asked if re.search(r"NOT \(?.{0,80} IN \(SELECT", one["sql"])
    ]
    assert doubtful == []
