"""`prepay currency`, and what is sold for another currency from the shell."""

import json

import pytest
from click.testing import CliRunner

from headend.accounts import approvals
from headend.accounts.models import Approval
from headend.accounts.services import create_user
from headend.testing import NOON, make_supply
from headend.vending.models import Sale
from tools.currencies.command import currency
from tools.headend.command import vend
from tools.headend.sales import sale

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def machine(monkeypatch, settings, tmp_path, db):
    settings.DEMONSTRATION = True
    settings.MASTER_KEY_FILE = tmp_path / "master.key"
    settings.AUDIT_KEY_FILE = tmp_path / "audit.key"
    for module in ("headend.command", "headend.sales", "currencies.command"):
        monkeypatch.setattr(f"tools.{module}.now", lambda: NOON)
    monkeypatch.setattr("tools.headend.answers.set_up_django", lambda: None)


def run(command, *arguments):
    done = CliRunner().invoke(command, [*arguments, "--json"])
    return done.exit_code, json.loads(done.output)


def take(code, *proposal):
    assert run(currency, "accept", code)[0] == 0
    status, asked = run(currency, "propose", code, *proposal, "--reason", "bank")
    assert (status, asked["state"]) == (0, "open")
    approver = create_user(username=f"approver-{code}", password=None, groups=("approver",))
    approvals.approve(Approval.objects.get(pk=asked["request"]), approver, NOON)


def test_a_rate_is_proposed_and_listed():
    told = CliRunner().invoke(currency, ["list"]).output
    assert told == "Customers pay in ZAR only.\n"
    take("USD", "--worth", "18.2537")
    take("ZWG", "--units", "1.45", "--worth", "1", "--from", "2026-11-22T00:00")
    listed = CliRunner().invoke(currency, ["list"]).output.splitlines()
    assert listed == [
        "USD  taken         1 USD = 18.2537 ZAR, since 2026-11-21T12:00+00:00",
        "ZWG  no rate yet",
    ]
    assert "2026-11-22T00:00+00:00  1.45 ZWG = 1 ZAR" in (
        CliRunner().invoke(currency, ["list", "--history"]).output
    )
    run(currency, "refuse", "USD")
    assert run(currency, "list")[1]["currencies"][0]["why_not"] == "not taken"


def test_what_can_not_be_proposed_is_refused_by_name():
    status, told = run(currency, "propose", "USD", "--worth", "18", "--reason", "bank")
    assert (status, told["error"]["code"]) == (1, "currency_invalid")
    run(currency, "accept", "USD")
    for worth in ("0", "eighteen"):
        status, told = run(currency, "propose", "USD", "--worth", worth, "--reason", "bank")
        assert (status, told["error"]["code"]) == (1, "rate_invalid")
    assert run(currency, "accept", "ZAR")[1]["error"]["code"] == "currency_invalid"


def test_energy_is_sold_for_another_currency_and_given_back_in_it():
    take("USD", "--worth", "18.2537")
    meter = make_supply().meter.drn
    asked = ("--meter", meter, "--amount", "10.00", "--currency", "usd")
    assert run(vend, *asked, "--trial")[1]["tender_minor"] == 182_53
    status, sold = run(vend, *asked, "--message-id", "m1", "--hold")
    assert status == 0
    assert (sold["paid_currency"], sold["paid_minor"], sold["currency"], sold["tender_minor"]) == (
        "USD", 10_00, "ZAR", 182_53,
    )  # fmt: skip
    assert sold["exchange"]["Rounded off"] == "R\u00a00.007"
    text = CliRunner().invoke(sale, ["show", sold["receipt_number"]]).output
    assert "Rate                 1 USD = 18.2537 ZAR" in text
    assert run(vend, *asked[:-2], "--message-id", "m1")[1]["error"]["code"] == "message_conflict"
    back = run(sale, "reverse", sold["receipt_number"], "--reason", "mistyped")[1]
    assert (back["currency"], back["returned_minor"]) == ("USD", 10_00)


@pytest.mark.parametrize(
    ("code", "amount", "paid_minor"),
    [("JPY", "1500", 1500), ("KWD", "1.250", 1250), ("JPY", "1500.5", None), ("", "1.005", None)],
)
def test_an_amount_is_whole_in_its_currency(code, amount, paid_minor):
    take("JPY", "--worth", "0.12")
    take("KWD", "--worth", "59.4")
    meter = make_supply().meter.drn
    asked = ["--meter", meter, "--amount", amount, "--currency", code, "--trial", "--json"]
    done = CliRunner().invoke(vend, asked)
    if paid_minor is None:
        assert (done.exit_code, "is not an amount" in done.output) == (2, True)
        return
    assert json.loads(done.output)["paid_minor"] == paid_minor
    assert not Sale.objects.exists()
