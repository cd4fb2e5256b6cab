"""`prepay meter order` and its like: they do what the meter page does."""

import json

import pytest
from click.testing import CliRunner

from headend.accounts.models import Approval
from headend.fleet.models import Command
from headend.testing import make_meter
from tools.headend.orders import meter as meter_commands

pytestmark = pytest.mark.django_db


@pytest.fixture
def drn():
    return make_meter().drn


def prepay_meter(*arguments):
    """Run a command line; return (exit status, what it printed)."""
    answer = CliRunner().invoke(meter_commands, arguments)
    return answer.exit_code, answer.output


def test_an_order_is_queued_with_its_reason(drn):
    status, answer = prepay_meter("order", drn, "close-account", "--reason", "moves", "--json")
    assert status == 0
    facts = json.loads(answer)
    assert (facts["command"], facts["arguments"], facts["state"]) == (
        "close_account",
        {},
        "pending",
    )
    assert Command.objects.get().reason == "moves"


def test_an_order_that_takes_something_needs_a_reason(drn):
    for order in ("close-account", "disconnect"):
        assert prepay_meter("order", drn, order)[0] == 2
    assert prepay_meter("order", drn, "connect")[0] == 0
    assert Command.objects.count() == 1


@pytest.mark.parametrize("order", ["?", "postpayment", "adjust-credit"])
def test_other_orders_are_named(drn, order):
    status, text = prepay_meter("order", drn, order)
    assert status == 2
    assert "choose one of disconnect, connect, arm, reset-trip" in text
    assert not Command.objects.exists()


def test_waiting_for_an_answer_that_does_not_come_is_not_known(drn):
    assert prepay_meter("order", drn, "ping", "--wait", "--timeout", "0")[0] == 3


def test_credit_is_adjusted_only_with_somebody_else(drn):
    asked = ("adjust-credit", drn, "take", "2.5", "--reason", "credited twice", "--json")
    status, answer = prepay_meter(*asked)
    assert status == 0
    assert json.loads(answer)["state"] == "open"
    assert Approval.objects.get().arguments["amount_wh"] == -2500
    assert not Command.objects.exists()
    status, answer = prepay_meter("adjust-credit", drn, "add", "0", "--reason", "x", "--json")
    assert status == 1
    assert json.loads(answer)["error"]["code"] == "bad_command"


def test_a_message_fits_the_display(drn):
    status, answer = prepay_meter("message", drn, "No supply", "Sunday 8-12", "--json")
    assert status == 0
    assert json.loads(answer)["arguments"]["text"] == "No supply       Sunday 8-12"
    assert prepay_meter("message", drn, "seventeen letters")[0] == 2
    assert prepay_meter("message", drn, "\u20ac")[0] == 1
