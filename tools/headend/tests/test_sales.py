"""`prepay sale`: shown, given out, taken back, moved, and a debt paid."""

import json
from decimal import Decimal

import pytest
from click.testing import CliRunner

from headend.accounts.models import Approval
from headend.accounts.services import console_user
from headend.config.opaque import id_of
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.testing import NOON, make_supply
from headend.vending.models import Reversal, Sale
from tools.headend import sales
from tools.headend.command import vend

pytestmark = pytest.mark.django_db


@pytest.fixture
def supply(monkeypatch, settings, tmp_path):
    settings.DEMONSTRATION = True
    settings.MASTER_KEY_FILE = tmp_path / "master.key"
    settings.AUDIT_KEY_FILE = tmp_path / "audit.key"
    for module in ("command", "sales"):
        monkeypatch.setattr(f"tools.headend.{module}.now", lambda: NOON)
    monkeypatch.setattr("tools.headend.answers.set_up_django", lambda: None)
    return make_supply()


def run(command, *arguments):
    done = CliRunner().invoke(command, [*arguments, "--json"])
    return done.exit_code, json.loads(done.output)


def sold(supply, *more):
    status, facts = run(vend, "--meter", supply.meter.drn, "--amount", "50", *more)
    assert status == 0
    return facts


def test_a_held_sale_is_given_out_or_taken_back(supply):
    facts = sold(supply, "--hold")
    assert facts["tokens"] == [None]
    number = facts["receipt_number"]
    assert run(sales.sale, "show", number)[1]["tokens"] == [None]
    reverse = ("reverse", number, "--reason", "wrong meter", "--message-id", "r1")
    status, done = run(sales.sale, *reverse)
    assert (status, done["basis"], done["returned_minor"]) == (0, "not_disclosed", 50_00)
    assert run(sales.sale, *reverse) == (0, done)
    assert Reversal.objects.count() == 1
    status, refused = run(sales.sale, "disclose", number)
    assert (status, refused["error"]["code"]) == (1, "sale_reversed")
    text = CliRunner().invoke(sales.sale, ["show", number]).output
    assert "not given out" in text
    assert "Reversed" in text


def test_a_disclosed_sale_is_moved_by_request(supply):
    number = sold(supply, "--hold")["receipt_number"]
    assert len(run(sales.sale, "disclose", number)[1]["tokens"][0]) == 20
    status, refused = run(sales.sale, "reverse", number, "--reason", "wrong")
    assert (status, refused["error"]["code"]) == (1, "token_disclosed")
    to = make_supply().meter.drn
    status, asked = run(
        sales.sale, "move", number, "--to", to, "--carried-by", "utility", "--reason", "typo"
    )
    assert status == 0
    assert Approval.objects.get().pk == asked["request"]
    assert run(sales.sale, "show", "261121-NONE")[1]["error"]["code"] == "sale_not_found"


def test_a_debt_is_paid_and_comes_first_if_the_customer_wants(supply):
    debt = open_debt(
        owner=supply.customer,
        title="Arrears",
        amount_minor=100_00,
        terms=Terms(method="percent", percent=Decimal(80)),
        by=console_user(),
        at=NOON,
    )
    status, paid = run(sales.sale, "pay-debt", id_of(debt), "--amount", "30.00")
    assert (status, paid["tender_minor"], paid["tokens"]) == (0, 30_00, [])
    assert run(sales.sale, "pay-debt", "999999", "--amount", "1")[0] == 1
    facts = sold(supply, "--debts-first")
    assert [line["amount_minor"] for line in facts["lines"] if line["kind"] == "debt"] == [40_00]
    assert Sale.objects.count() == 2


def test_a_copy_is_numbered_and_marked(supply):
    number = sold(supply)["receipt_number"]
    for copy in (1, 2):
        status, facts = run(sales.sale, "copy", number, "--reason", "lost")
        assert (status, facts["copy_number"]) == (0, copy)
        assert f"COPY {copy}" in facts["text"].upper()
