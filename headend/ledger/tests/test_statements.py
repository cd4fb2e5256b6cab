"""Trial balance and statements: their figures, their pages and who may see them."""

from datetime import timedelta

import pytest

from headend.ledger import queries
from headend.ledger.models import Account, Line
from headend.ledger.services import Posting, post
from headend.testing import NOON

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def moved():
    for day, tender, debt in ((0, 115, 15), (1, 50, 20), (2, 80, 0)):
        post(
            at=NOON + day * DAY,
            description=f"Vend {day}",
            reference=f"sale:{day}",
            postings=[
                Posting("cash.tills", tender, "ZAR"),
                Posting(f"debts.{day}", -debt, "ZAR"),
                Posting("sales.energy", debt - tender, "ZAR"),
            ],
        )


def test_a_trial_balance_of_an_earlier_day(moved):
    balances = queries.trial_balance(until=NOON + DAY)
    assert {one.code: one.amount_minor for one in balances} == {
        "cash.tills": 115,
        "debts.0": -15,
        "sales.energy": -100,
    }


def test_a_branch_is_one_figure(moved):
    found = {one.code: one for one in queries.trial_balance(collapsed=True)}
    assert (found["debts"].amount_minor, found["debts"].accounts) == (-35, 2)
    assert found["cash.tills"].debit_minor == 245
    assert found["sales.energy"].credit_minor == 210
    assert found["sales.energy"].debit_minor is None
    assert sum(one.amount_minor for one in found.values()) == 0


def test_a_statement_carries_its_balance(moved):
    cash = Account.objects.get(code="cash.tills")
    statement = queries.statement(cash)
    assert [line.balance_minor for line in statement.lines] == [115, 165, 245]
    assert (statement.opening_minor, statement.closing_minor) == (0, 245)


def test_a_statement_of_a_period_is_half_open(moved):
    cash = Account.objects.get(code="cash.tills")
    statement = queries.statement(cash, since=NOON + DAY, until=NOON + 2 * DAY)
    assert [line.balance_minor for line in statement.lines] == [165]
    assert statement.opening_minor == 115
    assert (statement.debits_minor, statement.credits_minor) == (50, 0)
    assert statement.closing_minor == 165


def test_accounts_of_a_branch(moved):
    accounts = queries.accounts_of("debts")
    found = queries.balances(accounts, until=NOON + DAY)
    assert [one.amount_minor for one in found] == [-15, 0]


def test_the_trial_balance_page(log_in, moved):
    page = log_in("auditor").get("/ledger/").content.decode()
    assert "R\u00a02.45" in page
    assert "2 accounts" in page
    assert "Energy sold" in page
    assert page.index(">Assets<") < page.index("Assets together") < page.index(">Income<")
    assert "Not yet checked" in page
    earlier = log_in("utility administrator").get("/ledger/", {"last_day": "2026-11-21"})
    assert "R\u00a01.15" in earlier.content.decode()


@pytest.mark.parametrize("day", ["2026-13-01", "", "x"])
def test_a_day_that_cannot_be_read_bounds_nothing(log_in, moved, day):
    client = log_in("auditor")
    assert "R\u00a02.45" in client.get("/ledger/", {"last_day": day}).content.decode()


def test_an_empty_ledger_says_so(log_in):
    assert "No money has moved" in log_in("auditor").get("/ledger/").content.decode()


def test_an_accounts_page(log_in, moved):
    client = log_in("auditor")
    page = client.get("/ledger/accounts/cash.tills/ZAR/", {"first_day": "2026-11-22"})
    assert "R\u00a01.65" in page.content.decode()
    assert "Vend 0" not in page.content.decode()
    assert "debts.1" in client.get("/ledger/branches/debts/").content.decode()
    assert client.get("/ledger/branches/cash/").status_code == 404
    assert client.get("/ledger/accounts/cash.x/ZAR/").status_code == 404


def test_a_cashier_does_not_see_the_ledger(log_in, moved):
    client = log_in("cashier")
    for address in ("/ledger/", "/ledger/accounts/cash.tills/ZAR/", "/ledger/branches/debts/"):
        assert client.get(address).status_code == 403


def test_pages_take_as_many_queries_for_many_lines_as_for_one(
    log_in, moved, django_assert_max_num_queries
):
    client = log_in("auditor")
    client.get("/ledger/")
    for address in ("/ledger/", "/ledger/accounts/cash.tills/ZAR/"):
        with django_assert_max_num_queries(10):
            client.get(address)
    assert Line.objects.count() > 7
