"""Moving in after somebody else, or into a new place."""

import pytest

from headend.accounts.services import console_user, create_user
from headend.config.errors import NotPermitted
from headend.customers.queries import agreement_of
from headend.customers.services import end_agreement, register_customer
from headend.fleet import followers
from headend.fleet.models import Command, WorkItem
from headend.fleet.services import cancel
from headend.ledger import proofs
from headend.ledger.queries import balance_minor
from headend.meters.services import KeyAttributes, register_meter
from headend.securitymodule.services import DEMONSTRATION_SGC
from headend.supply import closings, moves
from headend.supply.errors import CreditLeft, FormerClosingOpen, PremisesDebts
from headend.supply.models import MoveIn
from headend.supply.tests.conftest import DAY, LATER, owe, tell_state
from headend.testing import NOON, make_tariff, new_drn

pytestmark = pytest.mark.django_db


def start_closing(supply):
    return closings.start(supply, by=console_user(), at=LATER, reason="moves", ask_meter=False)


def settled(supply, *, credit_wh=10_000):
    closing = start_closing(supply)
    closings.note_registers(
        closing, energy_wh=12_000, credit_wh=credit_wh, by=console_user(), at=LATER
    )
    closings.settle(closing, by=console_user(), at=LATER)
    return closing


def enter(meter, *, credit_wh=0, energy_wh=12_000, address="1 Test Road", by=None, **terms):
    return moves.move_in(
        register_customer(name="Next One", by=console_user(), at=LATER),
        meter,
        moves.Terms(address=address, tariff=make_tariff(), **terms),
        energy_wh=energy_wh,
        credit_wh=credit_wh,
        source="person",
        by=by or console_user(),
        at=LATER,
    )


def test_nobody_moves_in_while_the_former_account_is_open(supply):
    with pytest.raises(FormerClosingOpen, match="serves Nomsa Dube"):
        enter(supply.meter)
    closing = start_closing(supply)
    with pytest.raises(FormerClosingOpen, match="not settled"):
        enter(supply.meter)
    closings.note_registers(closing, energy_wh=1, credit_wh=0, by=console_user(), at=LATER)
    with pytest.raises(FormerClosingOpen, match="registers known"):
        enter(supply.meter)
    assert not MoveIn.objects.exists()


def test_credit_of_the_former_customer_is_not_inherited(supply):
    closing = settled(supply)
    with pytest.raises(CreditLeft, match="clear it, or have it bought"):
        enter(supply.meter)
    closings.mark_cleared(closing, by=console_user(), at=LATER, how="token", note="0 shown")
    with pytest.raises(CreditLeft, match=r"shows 10\.0 kWh"):
        enter(supply.meter, credit_wh=10_000)
    made = enter(supply.meter)
    assert agreement_of(supply.meter, at=LATER) == made.agreement
    assert (made.former, made.energy_wh, made.credit_wh) == (closing, 12_000, 0)


def test_the_next_customer_can_buy_what_is_left(supply):
    closing = settled(supply)
    assert moves.found_at(supply.meter).price_minor == 28_75
    with pytest.raises(CreditLeft, match="can't be bought"):
        enter(supply.meter, credit_wh=9_000, buys_credit=True)
    made = enter(supply.meter, credit_wh=10_000, buys_credit=True)
    closing.refresh_from_db()
    assert (made.bought_minor, closing.cleared) == (28_75, "bought")
    assert balance_minor("returns.energy", "ZAR") == 0
    assert balance_minor("cash.safe", "ZAR") == 28_75
    assert proofs.differences_of(proofs.prove(at=LATER)) == []


def test_what_the_meter_told_since_counts_more_than_what_was_typed(supply):
    settled(supply, credit_wh=0)
    tell_state(supply.meter, energy_wh=12_000, credit_wh=30_000, at=LATER + DAY)
    with pytest.raises(CreditLeft, match=r"holds 30\.0 kWh by its own word"):
        enter(supply.meter)
    # What was used since explains it.
    assert enter(supply.meter, energy_wh=42_000).credit_wh == 0


def test_an_order_to_close_the_former_account_does_not_meet_the_next_one(supply):
    closing = closings.start(supply, by=console_user(), at=LATER, reason="moves", ask_meter=True)
    Command.objects.filter(closing=closing).update(state="published", number=1)
    closings.note_registers(closing, energy_wh=12_000, credit_wh=0, by=console_user(), at=LATER)
    closings.settle(closing, by=console_user(), at=LATER)
    with pytest.raises(FormerClosingOpen, match="has not answered"):
        enter(supply.meter)
    order = Command.objects.get(closing=closing)
    cancel(command=order, cancelled_by=console_user(), even_if_sent=True, at=LATER)
    enter(supply.meter)
    # Should it be done all the same, somebody has to see to the next customer's credit.
    order.refresh_from_db()
    order.state = "accepted"
    order.detail = {"energy_wh": 15_000, "cleared_wh": 8_000, "postpaid_wh": 0}
    order.save()
    followers.tell(order, at=LATER + DAY)
    assert "cleared 8000 Wh of Next One" in WorkItem.objects.get(closed_at=None).summary


def test_debts_of_the_premises_are_told_and_accepted(supply):
    owe(supply.premises, 20_00, title="Cable")
    settled(supply, credit_wh=0)
    with pytest.raises(PremisesDebts, match=r"20\.00 are attached to 1 Test Road"):
        enter(supply.meter)
    assert enter(supply.meter, accepts_debts=True).premises_debts_minor == 20_00


def test_an_agreement_that_ended_without_a_closing_leaves_no_credit_either(supply):
    end_agreement(supply, by=console_user(), at=LATER, reason="by the API")
    with pytest.raises(CreditLeft):
        enter(supply.meter, credit_wh=100)
    assert enter(supply.meter).former is None


def test_a_meter_from_stock_is_installed(supply):
    meter = register_meter(
        drn=new_drn(), key=KeyAttributes(sgc=DEMONSTRATION_SGC), by=console_user(), at=NOON
    )
    enter(meter, address="2 New Road", energy_wh=0, low_credit_threshold_wh=8_000)
    meter.refresh_from_db()
    assert meter.status == "installed"
    assert agreement_of(meter, at=LATER).low_credit_threshold_wh == 8_000


def test_a_meter_that_closed_its_account_opens_it_again(supply):
    settled(supply, credit_wh=0)
    state = tell_state(supply.meter, energy_wh=12_000, credit_wh=0, at=LATER)
    state.account_status = "closed"
    state.save()
    enter(supply.meter)
    assert Command.objects.get().arguments == {"mode": "prepayment"}


def test_only_who_may_lets_people_move_in(supply):
    settled(supply, credit_wh=0)
    with pytest.raises(NotPermitted):
        enter(supply.meter, by=create_user(username="x", password=None, groups=("cashier",)))
