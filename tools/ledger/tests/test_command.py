"""`prepay ledger` as a person and a nightly job call it."""

import json

import pytest
from click.testing import CliRunner
from django.utils import timezone

from headend.ledger.services import Posting, post
from headend.testing import NOON
from tools.prepay import main

pytestmark = pytest.mark.django_db


def move(reference):
    post(
        at=NOON,
        description="Money moved",
        reference=reference,
        postings=[Posting("cash.tills", 5000, "ZAR"), Posting("sales.energy", -5000, "ZAR")],
    )


@pytest.fixture(autouse=True)
def moved(db):
    move("test:1")


def prepay(*arguments):
    return CliRunner().invoke(main, ["ledger", *arguments])


def test_the_trial_balance_adds_up():
    done = prepay("balance")
    assert done.exit_code == 0
    lines = [line.split() for line in done.output.splitlines()]
    assert lines[-1] == ["Total", "ZAR", "50.00", "50.00"]
    assert ["Assets", "together", "ZAR", "50.00", "0.00"] in lines
    assert ["Energy", "sold", "sales.energy", "ZAR", "50.00"] in lines
    accounts = json.loads(prepay("balance", "--json").output)["accounts"]
    assert sum(one["balance_minor"] for one in accounts) == 0


def test_nothing_had_moved_the_day_before():
    assert json.loads(prepay("balance", "--day", "2026-11-20", "--json").output) == {
        "accounts": []
    }


def test_a_statement_ends_with_the_balance():
    done = prepay("statement", "cash.tills")
    assert done.exit_code == 0
    assert done.output.splitlines()[-1].split() == ["Balance", "50.00"]
    assert timezone.localtime(NOON).strftime("%H:%M %Z") in done.output.splitlines()[1]


def test_an_account_that_is_not_there_is_wrong_usage():
    done = prepay("statement", "cash.x")
    assert done.exit_code == 2
    assert "0 accounts are called cash.x" in done.output


def test_the_check_agrees_and_then_names_what_differs():
    assert prepay("check").exit_code == 0
    move("sale:invented")
    done = prepay("check")
    assert done.exit_code == 1
    assert "sale:invented: the ledger says 5000, the record says 0" in done.output
    differences = json.loads(prepay("check", "--json").output)["differences"]
    assert [one["what"] for one in differences] == ["sale:invented", "lines of kind energy"]
