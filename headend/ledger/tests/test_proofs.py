"""The check finds, by name, whatever somebody changed behind the services' back."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from headend.accounts.services import console_user
from headend.conftest import _disable_triggers
from headend.ledger import checkpoints, proofs
from headend.ledger.models import Account, KeptBalance, Proving
from headend.ledger.services import Posting, post
from headend.meters.models import Meter
from headend.testing import NOON, make_supply
from headend.vending.services import vend

pytestmark = pytest.mark.django_db
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def sale():
    make_supply()
    return sell(at=NOON, message_id="m1")


def sell(*, at, message_id):
    return vend(
        caller="till",
        message_id=message_id,
        meter=Meter.objects.get(),
        tender_minor=5000,
        operator=console_user(),
        at=at,
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


def found(*, at=NOON, whole=True):
    proving = proofs.prove(at=at, whole=whole)
    return {(one.proof, one.what) for one in proofs.differences_of(proving)}


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
        cursor.execute("UPDATE customers_customer SET name = name")


def test_no_proof_takes_longer_than_in_proportion_to_what_there_is(sale):
    with CaptureQueriesContext(connection) as asked:
        assert found() == set()
    # PostgreSQL reads the inner list anew for each row once it is too long for its memory.
    doubtful = [
        one["sql"] for one in asked if re.search(r"NOT \(?.{0,80} IN \(SELECT", one["sql"])
    ]
    assert doubtful == []


def test_what_is_new_is_what_came_since_a_run_a_day_before(sale, tamper):
    assert found() == set()
    assert Proving.objects.get().is_whole
    tamper("UPDATE vending_sale SET tender_minor = 6000 WHERE id = %s", sale.pk)
    assert found(at=NOON + DAY, whole=False) == set()  # a day before all was well
    assert not Proving.objects.latest("pk").is_whole
    expected = ("a sale's money is in the ledger once", f"sale {sale}")
    assert expected in found(at=NOON + DAY)


def test_a_new_sale_that_was_made_larger_is_named_by_the_nightly_run(sale, tamper):
    proofs.prove(at=NOON)
    newer = sell(at=NOON + HOUR, message_id="m2")
    assert found(at=NOON + DAY, whole=False) == set()
    tamper("UPDATE vending_sale SET tender_minor = 6000 WHERE id = %s", newer.pk)
    assert found(at=NOON + 2 * DAY - HOUR, whole=False) == {
        ("a sale's lines add up to its tender", f"sale {newer}"),
        ("a sale's money is in the ledger once", f"sale {newer}"),
    }


def test_until_a_difference_is_gone_everything_is_looked_at(sale, tamper):
    proofs.prove(at=NOON)
    tamper("UPDATE vending_sale SET tender_minor = 6000 WHERE id = %s", sale.pk)
    named = found(at=NOON + 7 * DAY)
    assert named
    assert found(at=NOON + 8 * DAY, whole=False) == named
    tamper("UPDATE vending_sale SET tender_minor = 5000 WHERE id = %s", sale.pk)
    assert found(at=NOON + 9 * DAY, whole=False) == set()


def test_an_entry_of_which_some_lines_are_new_adds_up(sale):
    proofs.prove(at=NOON)
    reached = Proving.objects.get().reached
    for name in reached:
        reached[name] -= 1
    Proving.objects.update(reached=reached)
    assert found(at=NOON + DAY, whole=False) == set()


def test_a_kept_balance_that_was_changed_is_named(sale, tamper):
    checkpoint = checkpoints.make(at=NOON)
    assert found() == set()
    till = KeptBalance.objects.get(account__code="cash.tills")
    tamper("UPDATE ledger_keptbalance SET balance_minor = 1 WHERE id = %s", till.pk)
    proof = "kept balances are the sums of their lines"
    assert (proof, f"account cash.tills at {checkpoint}") in found()


def test_a_line_that_was_changed_after_it_was_added_up_is_named(sale, tamper):
    checkpoint = checkpoints.make(at=NOON)
    tamper("UPDATE ledger_line SET amount_minor = amount_minor + 1 WHERE amount_minor = -4325")
    proof = "kept balances are the sums of their lines"
    assert (proof, f"account sales.energy.energy at {checkpoint}") in found()


def test_a_checkpoint_that_was_taken_out_of_their_order_is_named(sale, tamper):
    first = checkpoints.make(at=NOON)
    sell(at=NOON + HOUR, message_id="m2")
    second = checkpoints.make(at=NOON + HOUR)
    assert first
    assert second
    tamper("DELETE FROM ledger_keptbalance WHERE checkpoint_id = %s", first.pk)
    tamper("DELETE FROM ledger_checkpoint WHERE number = %s", first.pk)
    named = found()
    proof = "kept balances are the sums of their lines"
    assert (proof, f"the lines and days of {second}") in named


def test_an_account_that_was_taken_out_is_named_in_the_next_night_too(sale, tamper):
    checkpoints.make(at=NOON)
    till = Account.objects.get(code="cash.tills")
    lines = list(till.lines.values_list("pk", flat=True))
    proofs.prove(at=NOON)
    with connection.constraint_checks_disabled():
        tamper("DELETE FROM ledger_account WHERE id = %s", till.pk)
        nightly = found(at=NOON + HOUR, whole=False)
        whole = found(at=NOON + HOUR)
        tamper(
            "INSERT INTO ledger_account (id, code, currency, kind) VALUES (%s, %s, %s, %s)",
            till.pk, till.code, till.currency, till.kind,
        )  # fmt: skip
    proof = "lines are on accounts of the chart"
    gone = (proof, f"a kept balance of account number {till.pk}, which is gone")
    assert gone in nightly
    assert {gone, *((proof, f"line {line} without an account") for line in lines)} <= whole


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("kind = 'liability'", "account cash.tills as liability"),
        ("code = 'elsewhere'", "account elsewhere as asset"),
    ],
)
def test_an_account_that_means_something_else_now_is_named(sale, tamper, change, named):
    tamper(f"UPDATE ledger_account SET {change} WHERE code = 'cash.tills'")
    assert ("lines are on accounts of the chart", named) in found()
