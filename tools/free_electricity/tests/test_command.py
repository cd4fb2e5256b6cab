"""`prepay free` as a person calls it."""

import json

import pytest
from click.testing import CliRunner

from headend.accounts.models import Approval
from headend.testing import NOON, make_supply
from headend.vending.models import FreeGrant
from headend.vending.tests.test_free_electricity import enrol
from tools.free_electricity import command
from tools.prepay import main

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def demonstration_at_noon(monkeypatch, settings, tmp_path):
    monkeypatch.setattr(command, "_now", lambda: NOON)
    settings.DEMONSTRATION = True
    settings.MASTER_KEY_FILE = tmp_path / "master.key"


def run(*arguments):
    return CliRunner().invoke(main, ["free", *arguments])


def test_a_months_free_electricity_is_given_once():
    supply = make_supply()
    refused = run("give", supply.meter.drn)
    assert (refused.exit_code, "enrolled in no programme" in refused.output) == (1, True)
    enrol(supply)
    given = run("give", supply.meter.drn)
    assert given.exit_code == 0, given.output
    assert "Free basic electricity 2026-11: 50.0 kWh" in given.output
    again = json.loads(run("give", supply.meter.drn, "--json").output)
    assert again["token"] == FreeGrant.objects.get().token.digits


def test_an_amount_is_asked_for():
    asked = run("amount", "fbe", "Free electricity", "50", "2026-12", "--reason", "policy")
    assert "gives 50 kWh a month from 2026-12" in asked.output
    assert Approval.objects.get().state == Approval.OPEN
    wrong = run("amount", "fbe", "Free electricity", "50", "2026-01", "--reason", "policy")
    assert (wrong.exit_code, "has passed" in wrong.output) == (1, True)
