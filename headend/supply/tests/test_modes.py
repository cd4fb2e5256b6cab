"""Settling a switch of the payment mode by the meter's own answer."""

import csv
import io

import pytest

from headend.accounts.services import console_user
from headend.fleet import followers
from headend.fleet.account_orders import change_payment_mode
from headend.fleet.models import Command, WorkItem
from headend.ledger import proofs
from headend.ledger.queries import balance_minor
from headend.meters.services import KeyAttributes, register_meter
from headend.securitymodule.services import DEMONSTRATION_SGC
from headend.supply import closings, modes, moves, replacements, transfers
from headend.supply.models import ModeSwitch
from headend.supply.rules import set_rule
from headend.supply.tests.conftest import DAY, LATER
from headend.testing import NOON, new_drn

pytestmark = pytest.mark.django_db
AFTER = LATER + DAY


def switch(meter, mode, *, at=LATER, state="accepted", credit_wh=10_000, postpaid_wh=0):
    command = change_payment_mode(meter=meter, payment_mode=mode, requested_by=None, at=at)
    command.state = state
    command.detail = {"energy_wh": 12_000, "credit_wh": credit_wh, "postpaid_wh": postpaid_wh}
    command.save()
    followers.tell(command, at=at)
    return ModeSwitch.objects.order_by("pk").last()


def test_credit_stays_on_the_meter_by_default(supply):
    done = switch(supply.meter, "postpayment")
    assert (done.agreement, done.energy_wh, done.credit_wh) == (supply, 12_000, 10_000)
    assert (done.credit_treatment, done.credited_minor) == ("kept", 0)
    assert not Command.objects.filter(command="adjust_credit").exists()


def test_by_rule_credit_goes_to_the_bill_and_off_the_meter(supply):
    set_rule(valuation="last_purchase", mode_credit="refunded", by=console_user(), at=NOON)
    done = switch(supply.meter, "postpayment")
    assert (done.credit_treatment, done.credited_minor) == ("refunded", 28_75)
    assert Command.objects.get(command="adjust_credit").arguments == {"amount_wh": -10_000}
    assert balance_minor("billing.customers", "ZAR") == -28_75
    assert proofs.differences_of(proofs.prove(at=LATER)) == []


@pytest.mark.parametrize("state", ["rejected", "expired", "cancelled"])
def test_credit_on_the_bill_and_perhaps_on_the_meter_too_asks_for_a_person(supply, state):
    set_rule(valuation="last_purchase", mode_credit="refunded", by=console_user(), at=NOON)
    done = switch(supply.meter, "postpayment")
    done.take_off.state = state
    done.take_off.save()
    followers.tell(done.take_off, at=LATER)
    assert f"10.0 kWh that {done} credited" in WorkItem.objects.get(closed_at=None).summary


def test_the_way_back_notes_the_opening_registers(supply):
    switch(supply.meter, "postpayment")
    back = switch(supply.meter, "prepayment", at=LATER + DAY, credit_wh=0, postpaid_wh=7_000)
    assert (back.payment_mode, back.postpaid_wh, back.credited_minor) == ("prepayment", 7_000, 0)


def test_what_the_meter_did_not_do_is_not_settled(supply):
    assert switch(supply.meter, "postpayment", state="rejected") is None
    assert switch(supply.meter, "prepayment") is None  # it was in that mode already
    first = switch(supply.meter, "postpayment")
    assert switch(supply.meter, "postpayment", at=LATER + DAY) == first


def test_billing_gets_a_sheet(supply):
    supply.customer.name = "=SUM(A1)"
    supply.customer.save()
    done = switch(supply.meter, "postpayment")
    (row,) = csv.DictReader(io.StringIO(modes.handover(since=NOON)))
    assert (row["number"], row["meter"]) == (done.number, supply.meter.drn)
    assert (row["energy_wh"], row["customer"]) == ("12000", "'=SUM(A1)")
    assert row["switched_at"] == "2026-11-22T14:00:00+02:00"
    assert modes.handover(until=LATER).count("\r\n") == 1


def on_the_bill(supply):
    """Switch a meter whose 10 kWh go to the bill; return the order to take them off."""
    set_rule(valuation="last_purchase", mode_credit="refunded", by=console_user(), at=NOON)
    switch(supply.meter, "postpayment")
    return Command.objects.get(command="adjust_credit")


def close(supply, *, credit_wh):
    """Close an account with registers that a person reads a day after the switch."""
    closing = closings.start(supply, by=console_user(), at=AFTER, reason="moves", ask_meter=False)
    closings.note_registers(
        closing, energy_wh=12_000, credit_wh=credit_wh, by=console_user(), at=AFTER
    )
    return closings.settle(closing, by=console_user(), at=AFTER)


def test_what_is_on_the_bill_and_on_the_meter_is_not_refunded_too(supply):
    on_the_bill(supply)
    done = close(supply, credit_wh=14_000)  # 4 kWh were bought since
    assert done.refund_minor == 11_50
    assert "less 10.0 kWh on the bill already" in done.lines.first().explanation
    assert moves.found_at(supply.meter).price_minor is None
    assert proofs.differences_of(proofs.prove(at=AFTER)) == []


def test_what_was_taken_off_for_the_bill_counts_once(supply):
    take_off = on_the_bill(supply)
    take_off.state, take_off.finished_at = "accepted", LATER
    take_off.save()
    assert close(supply, credit_wh=4_000).refund_minor == 11_50


def test_a_replacement_does_not_move_what_is_on_the_bill(supply):
    on_the_bill(supply)
    stock = register_meter(
        drn=new_drn(), key=KeyAttributes(sgc=DEMONSTRATION_SGC), by=console_user(), at=NOON
    )
    done = replacements.replace(
        supply, stock, old=replacements.OldMeter(12_000, 14_000), new_energy_wh=0,
        by=console_user(), at=AFTER, reason="burnt",
    )  # fmt: skip
    assert "transfer 4.0 kWh" in WorkItem.objects.get(meter=stock, closed_at=None).summary
    token = transfers.transfer_by_token(done, by=console_user(), at=AFTER)
    assert token.units == 40
