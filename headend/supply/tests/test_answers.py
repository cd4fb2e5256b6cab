"""What a meter's own answer does to a closing."""

import pytest

from headend.accounts.services import console_user
from headend.fleet import followers
from headend.fleet.account_orders import queue_close_account
from headend.fleet.models import WorkItem
from headend.fleet.services import queue_token
from headend.securitymodule.tokens import Management
from headend.supply import closings
from headend.supply.models import Closing
from headend.supply.tests.conftest import LATER
from headend.vending.issuing import issue
from headend.vending.models import TokenDelivery

pytestmark = pytest.mark.django_db


@pytest.fixture
def closing(supply):
    return closings.start(supply, by=console_user(), at=LATER, reason="moves", ask_meter=True)


def answer(command, state, **detail):
    """Have the meter's link hear the end of a command."""
    command.state, command.detail = state, detail
    command.save()
    followers.tell(command, at=LATER)


def closed(command, cleared_wh=10_000):
    answer(command, "accepted", energy_wh=12_000, cleared_wh=cleared_wh, postpaid_wh=0)


def test_the_meters_answer_gives_the_registers_and_clears_the_credit(closing):
    closed(closing.command)
    closing.refresh_from_db()
    assert (closing.energy_wh, closing.credit_wh) == (12_000, 10_000)
    assert (closing.state, closing.registers_source) == ("registers known", "meter")
    assert closing.cleared == "command"
    assert closings.settle(closing, by=console_user(), at=LATER).refund_minor == 28_75
    assert not WorkItem.objects.exists()


def test_the_meters_answer_takes_the_place_of_what_a_person_read(closing):
    closing.command.state = "published"
    closing.command.number = 1
    closing.command.save()
    closings.note_registers(
        closing, energy_wh=11_000, credit_wh=9_000, by=console_user(), at=LATER
    )
    closed(closing.command)
    closing.refresh_from_db()
    assert (closing.credit_wh, closing.registers_source) == (10_000, "meter")


def test_registers_read_by_a_person_call_the_waiting_order_back(closing):
    closings.note_registers(
        closing, energy_wh=11_000, credit_wh=9_000, by=console_user(), at=LATER
    )
    closing.command.refresh_from_db()
    assert closing.command.state == "cancelled"


def test_another_figure_after_the_settlement_is_an_open_item(closing):
    closing.command.state = "published"
    closing.command.number = 1
    closing.command.save()
    closings.note_registers(
        closing, energy_wh=11_000, credit_wh=9_000, by=console_user(), at=LATER
    )
    closings.settle(closing, by=console_user(), at=LATER)
    closed(closing.command)
    closing.refresh_from_db()
    assert (closing.credit_wh, closing.cleared) == (9_000, "command")
    assert "cleared 10000 Wh" in WorkItem.objects.get(closed_at=None).summary


def test_a_meter_that_does_not_answer_asks_for_a_person(closing):
    answer(closing.command, "expired")
    closing.refresh_from_db()
    assert closing.state == Closing.State.OPEN
    assert "read its registers" in WorkItem.objects.get().summary
    closings.note_registers(
        closing, energy_wh=11_000, credit_wh=9_000, by=console_user(), at=LATER
    )
    assert not WorkItem.objects.filter(closed_at=None).exists()


def test_an_account_closed_at_the_meter_alone_is_an_open_item(supply):
    command = queue_close_account(meter=supply.meter, requested_by=None, at=LATER)
    closed(command)
    assert "whose agreement runs on" in WorkItem.objects.get().summary


def test_a_token_that_cleared_the_credit_is_noticed(supply):
    closing = closings.start(supply, by=console_user(), at=LATER, reason="moves", ask_meter=False)
    closings.note_registers(
        closing, energy_wh=11_000, credit_wh=9_000, by=console_user(), at=LATER
    )
    token = issue(
        meter=supply.meter,
        content=Management(subclass=1),
        purpose="clear credit",
        by=console_user(),
        at=LATER,
    )
    command = queue_token(meter=supply.meter, digits=token.digits, requested_by=None, at=LATER)
    TokenDelivery.objects.create(token=token, command=command)
    answer(command, "accepted")
    closing.refresh_from_db()
    assert closing.cleared == "token"
