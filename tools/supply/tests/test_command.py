"""`prepay supply`: the whole life of a supply from a shell."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from headend.accounts.services import console_user
from headend.meters.services import KeyAttributes, register_meter
from headend.securitymodule.services import DEMONSTRATION_SGC
from headend.supply.rules import set_rule
from headend.supply.tests.conftest import sell
from headend.supply.tests.test_modes import switch
from headend.testing import NOON, make_supply, new_drn
from tools.prepay import main

pytestmark = pytest.mark.django_db


@pytest.fixture
def supply(db, settings, tmp_path, monkeypatch):
    settings.DEMONSTRATION = True
    settings.MASTER_KEY_FILE = tmp_path / "master.key"
    settings.AUDIT_KEY_FILE = tmp_path / "audit.key"
    agreement = make_supply()
    sell(agreement, 50_00, at=NOON)
    monkeypatch.setattr("tools.supply.command._now", lambda: datetime(2026, 11, 22, tzinfo=UTC))
    return agreement


def prepay(*arguments, status=0):
    done = CliRunner().invoke(main, ["supply", *map(str, arguments)])
    assert done.exit_code == status, done.output
    return done.output


def as_json(*arguments, status=0):
    return json.loads(prepay(*arguments, "--json", status=status))


def test_an_account_is_closed_and_the_next_customer_moves_in(supply):
    drn = supply.meter.drn
    assert "not known yet" in prepay("trial", drn)
    number = as_json("close", drn, "--reason", "moves")["closing"]
    assert "open" in prepay("show", number)
    assert as_json("settle", number, status=1)["error"]["code"] == "closing_not_possible"
    prepay("registers", number, "--energy", "12.0", status=2)
    text = prepay("registers", number, "--energy", "12", "--credit", "10")
    assert "28.75" in text
    facts = as_json("settle", number)
    assert (facts["state"], facts["refund_minor"]) == ("settled", 28_75)
    assert as_json("pay", number, "--method", "cash", status=1)["error"]["code"] == "safe_too_low"
    assert as_json("pay", number, "--method", "bank")["waits_for_approval"]
    enter = ("move-in", drn, "--name", "Next", "--address", "1 Test Road", "--energy", "12",
             "--credit", "0")  # fmt: skip
    assert "there is no tariff" in prepay(*enter, "--tariff", "none", status=2)
    refused = as_json(*enter, "--tariff", "test", status=1)
    assert refused["error"]["code"] == "credit_left_on_meter"
    assert as_json("clear", number, "--note", "shows 0")["credit_is_clear"]
    assert as_json(*enter, "--tariff", "test")["customer"] == "Next"


def test_a_small_refund_is_paid_at_once(supply):
    set_rule(valuation="last_purchase", refund_limit_minor=100_00, by=console_user(), at=NOON)
    number = as_json("close", supply.meter.drn, "--reason", "moves")["closing"]
    assert "not settled" in prepay("pay", number, "--method", "bank", status=1)
    prepay("registers", number, "--energy", "12", "--credit", "10")
    prepay("settle", number)
    assert "refunded" in prepay("pay", number, "--method", "bank", "--reference", "T1")
    assert "no closing" in prepay("show", "C1", status=1)


def test_a_meter_is_replaced(supply):
    stock = register_meter(
        drn=new_drn(), key=KeyAttributes(sgc=DEMONSTRATION_SGC), by=console_user(), at=NOON
    )
    made = as_json(
        "replace", supply.meter.drn, stock.drn, "--energy", "12", "--credit", "10",
        "--reason", "burnt",
    )  # fmt: skip
    assert (made["credit_wh"], made["token"]) == (10_000, None)
    right = as_json("registers", made["replacement"], "--energy", "12", "--credit", "9.5")
    assert right["credit_wh"] == 9_500
    assert len(as_json("transfer", made["replacement"], "--by", "token")["token"]) == 20
    refused = as_json("take-down", stock.drn, "--reason", "demolished", status=1)
    assert refused["error"]["code"] == "former_closing_open"
    again = as_json("transfer", made["replacement"], "--by", "command", status=1)
    assert again["error"]["code"] == "replacement_not_possible"


def test_billing_gets_its_sheet(supply):
    done = switch(supply.meter, "postpayment")
    assert done.number in prepay("switches", "--since", "2026-11-01")
    assert done.number not in prepay("switches", "--until", "2026-11-01")
    prepay("switches", "--since", "yesterday", status=2)
