"""Replacing a meter: what goes on, what moves over once, what stays open."""

from datetime import timedelta
from typing import Any

import pytest

from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.customers.errors import InvalidAgreement, NoSupplyAgreement
from headend.customers.queries import agreement_of
from headend.fleet import followers
from headend.fleet.models import Command, Event, MeterLink, WorkItem
from headend.fleet.services import cancel, queue_token
from headend.meters.errors import InvalidMeter
from headend.meters.models import Meter
from headend.meters.services import KeyAttributes, register_meter
from headend.securitymodule.services import DEMONSTRATION_SGC
from headend.securitymodule.tokens import Management
from headend.supply import replacements, second_issues, transfers
from headend.supply.errors import (
    CreditLeft,
    InvalidRegisters,
    NewKeyNeeded,
    NotProvedUnused,
    ReplacementNotPossible,
)
from headend.supply.replacements import OldMeter
from headend.supply.tests.conftest import DAY, LATER, close, sell, tell_state
from headend.testing import NOON, make_supply, new_drn
from headend.vending import key_changes, reversals
from headend.vending import services as vending
from headend.vending.errors import ReversalRefused
from headend.vending.issuing import issue
from headend.vending.opening import record_opening_use
from headend.vending.tests.key_meters import FieldMeter, load_key
from shared.sts.token import CLEAR_CREDIT

pytestmark = pytest.mark.django_db


@pytest.fixture
def stock(supply) -> Meter:
    return register_meter(
        drn=new_drn(), key=KeyAttributes(sgc=DEMONSTRATION_SGC), by=console_user(), at=NOON
    )


def replace(supply, stock, *, energy_wh=12_000, credit_wh=10_050, scrapped=False, **more):
    asked: dict[str, Any] = {
        "new_energy_wh": 0,
        "by": console_user(),
        "at": LATER,
        "reason": "burnt",
    } | more
    return replacements.replace(
        supply, stock, old=OldMeter(energy_wh, credit_wh, scrapped), **asked
    )


def test_the_agreement_goes_on_with_the_new_meter(supply, stock):
    old = supply.meter
    waiting = queue_token(meter=old, digits="1" * 20, requested_by=None, at=NOON)
    replace(supply, stock, scrapped=True)
    for row in (old, stock, waiting):
        row.refresh_from_db()
    assert agreement_of(stock, at=LATER) == supply
    assert (old.status, stock.status) == ("scrapped", "installed")
    assert waiting.state == "cancelled"
    assert sell(supply, 50_00, at=LATER).meter == stock


def test_credit_moves_over_as_a_token_once(supply, stock):
    done = replace(supply, stock)
    assert "transfer 10.1 kWh" in WorkItem.objects.get(closed_at=None).summary
    token = transfers.transfer_by_token(done, by=console_user(), at=LATER, send=True)
    assert (token.meter, token.units) == (stock, 101)  # rounded up, for the customer
    assert Command.objects.get(meter=stock).arguments == {"digits": token.digits}
    for again in (transfers.transfer_by_token, transfers.transfer_by_command):
        with pytest.raises(ReplacementNotPossible, match="already"):
            again(done, by=console_user(), at=LATER)
    assert not WorkItem.objects.filter(closed_at=None).exists()


def test_credit_moves_over_by_command_again_only_after_a_refusal(supply, stock):
    done = replace(supply, stock, credit_wh=-2_000)
    with pytest.raises(ReplacementNotPossible, match="below zero"):
        transfers.transfer_by_token(done, by=console_user(), at=LATER)
    command = transfers.transfer_by_command(done, by=console_user(), at=LATER)
    assert command.arguments == {"amount_wh": -2_000}
    command.number = 1
    end(command, "expired")
    with pytest.raises(ReplacementNotPossible, match="already"):
        transfers.transfer_by_command(done, by=console_user(), at=LATER)
    assert "is not known" in WorkItem.objects.get(closed_at=None).summary
    end(command, "rejected")
    assert transfers.transfer_by_command(done, by=console_user(), at=LATER) != command


def test_an_order_that_was_never_sent_leaves_the_credit_to_be_moved(supply, stock):
    done = replace(supply, stock)
    command = transfers.transfer_by_command(done, by=console_user(), at=LATER)
    cancel(command=command, cancelled_by=console_user(), at=LATER)
    done.refresh_from_db()
    assert replacements.is_open(done)
    assert "transfer 10.1 kWh" in WorkItem.objects.get(closed_at=None).summary
    assert transfers.transfer_by_token(done, by=console_user(), at=LATER).units == 101


def test_credit_follows_to_the_meter_that_serves_by_now(supply, stock):
    first = replace(supply, stock)
    third = register_meter(
        drn=new_drn(), key=KeyAttributes(sgc=DEMONSTRATION_SGC), by=console_user(), at=NOON
    )
    replacements.replace(
        supply, third, old=OldMeter(0, 0), new_energy_wh=0, by=console_user(),
        at=LATER + DAY, reason="burnt again",
    )  # fmt: skip
    token = transfers.transfer_by_token(first, by=console_user(), at=LATER + DAY)
    assert token.meter == third


def test_a_meter_that_holds_credit_replaces_none(supply, stock):
    tell_state(stock, energy_wh=5_000, credit_wh=31_000)
    with pytest.raises(CreditLeft, match=r"holds 31\.0 kWh by its own word"):
        replace(supply, stock, new_energy_wh=5_000)
    tell_state(stock, energy_wh=5_000, credit_wh=0)
    with pytest.raises(CreditLeft, match=r"shows 1\.0 kWh"):
        replace(supply, stock, new_energy_wh=5_000, new_credit_wh=1_000)
    assert replace(supply, stock, new_energy_wh=5_000).new_meter == stock


def test_what_a_replaced_meter_held_is_not_given_away_elsewhere(supply, stock):
    old = supply.meter
    done = replace(supply, stock)
    transfers.transfer_by_token(done, by=console_user(), at=LATER)
    old.refresh_from_db()
    other = make_supply()
    elsewhere: dict[str, Any] = {
        "old": OldMeter(0, 0), "new_energy_wh": 12_000, "by": console_user(), "reason": "burnt",
    }  # fmt: skip
    with pytest.raises(CreditLeft, match=r"holds 10\.1 kWh by replacement"):
        replacements.replace(other, old, at=LATER + DAY, **elsewhere)
    issue(
        meter=old, content=Management(CLEAR_CREDIT, 0), purpose="clear", by=console_user(),
        at=LATER + DAY,
    )  # fmt: skip
    assert replacements.replace(other, old, at=LATER + DAY, **elsewhere).new_meter == old


def end(command, state):
    command.state = state
    command.save()
    followers.tell(command, at=LATER)


def test_credit_that_nobody_could_read_stays_open(supply, stock):
    done = replace(supply, stock, energy_wh=None, credit_wh=None)
    assert replacements.is_open(done)
    with pytest.raises(ReplacementNotPossible, match="no known credit"):
        transfers.transfer_by_token(done, by=console_user(), at=LATER)
    replacements.note_registers(done, energy_wh=12_000, credit_wh=0, by=console_user(), at=LATER)
    done.refresh_from_db()
    assert not replacements.is_open(done)
    assert not WorkItem.objects.filter(closed_at=None).exists()


def test_registers_are_put_right_until_the_credit_is_moved_or_settled(supply, stock):
    at: dict[str, Any] = {"by": console_user(), "at": LATER}
    done = replace(supply, stock, credit_wh=50_000)
    assert WorkItem.objects.filter(closed_at=None).count() == 2  # to be moved, and not explained
    replacements.note_registers(done, energy_wh=12_000, credit_wh=5_000, **at)
    assert "transfer 5.0 kWh" in WorkItem.objects.get(closed_at=None).summary
    before = AuditEntry.objects.get(action="supply.note_registers").before
    assert before == {"energy_wh": 12_000, "credit_wh": 50_000}
    assert transfers.transfer_by_token(done, **at).units == 50
    with pytest.raises(ReplacementNotPossible, match="stand: its credit was moved"):
        replacements.note_registers(done, energy_wh=12_000, credit_wh=1, **at)


def test_registers_of_a_replaced_meter_stand_once_the_account_is_settled(supply, stock):
    done = replace(supply, stock, credit_wh=0)
    close(supply, energy_wh=0, credit_wh=0, at=LATER + DAY)
    with pytest.raises(ReplacementNotPossible, match="settled"):
        replacements.note_registers(
            done, energy_wh=12_000, credit_wh=1_000, by=console_user(), at=LATER + DAY
        )


def test_a_post_payment_supply_stays_one(supply, stock):
    Meter.objects.filter(pk=supply.meter_id).update(intended_payment_mode="postpayment")
    replace(supply, stock)
    stock.refresh_from_db()
    assert stock.intended_payment_mode == "postpayment"
    assert Command.objects.get(meter=stock).arguments == {"mode": "postpayment"}


@pytest.mark.parametrize(
    ("told_wh", "read_wh", "is_told"),
    [
        (None, 17_300, False),  # all that was ever sold
        (None, 17_400, True),
        (2_000, 19_300, False),  # nothing tells that the token of 17.3 kWh was entered
        (2_000, 19_400, True),
    ],
)
def test_credit_that_nothing_explains_is_looked_at(supply, stock, told_wh, read_wh, is_told):
    if told_wh is not None:
        tell_state(supply.meter, energy_wh=0, credit_wh=told_wh, at=LATER)
    done = replace(supply, stock, credit_wh=read_wh)
    told = WorkItem.objects.filter(cause=f"unexplained credit of replacement {done.pk}")
    assert [f"read {read_wh / 1000:.1f} kWh" in one.summary for one in told] == [True] * is_told


def test_credit_read_later_is_looked_at_too_unless_another_system_sold_before(supply, stock):
    at: dict[str, Any] = {"by": console_user(), "at": LATER}
    done = replace(supply, stock, energy_wh=None, credit_wh=None)
    replacements.note_registers(done, energy_wh=12_000, credit_wh=30_000, **at)
    assert WorkItem.objects.filter(cause__startswith="unexplained").count() == 1
    other = make_supply()
    record_opening_use(other, as_of=NOON, issued_wh=0, fees_through=NOON, **at)
    third = register_meter(
        drn=new_drn(), key=KeyAttributes(sgc=DEMONSTRATION_SGC), by=console_user(), at=NOON
    )
    replace(other, third, credit_wh=90_000)
    assert WorkItem.objects.filter(cause__startswith="unexplained").count() == 1


def test_a_meter_that_serves_somebody_is_left_to_them(supply):
    other = make_supply()
    tell_state(other.meter, energy_wh=0, credit_wh=20_000)
    with pytest.raises(InvalidAgreement, match="serves Nomsa Dube at 1 Test Road; take another"):
        replace(supply, other.meter)  # nobody is told to clear what is on it


def test_whoever_asks_for_a_replaced_meter_is_told_what_took_its_place(supply, stock, log_in):
    old = supply.meter
    replace(supply, stock)
    with pytest.raises(NoSupplyAgreement, match=f"replaced by meter {stock}"):
        agreement_of(old, at=LATER)
    cashier = log_in("cashier")
    for page in (f"/till/?q={old.drn}", f"/till/{old.drn}/"):
        assert (
            f'href="/till/{stock.drn}/">sell for meter {stock}'
            in cashier.get(page).content.decode()
        ), page


def test_what_can_not_be_is_refused(supply, stock):
    with pytest.raises(ReplacementNotPossible, match="itself"):
        replace(supply, supply.meter)
    with pytest.raises(ReplacementNotPossible, match="both"):
        replace(supply, stock, credit_wh=None)
    tell_state(supply.meter, energy_wh=15_000, credit_wh=0)
    with pytest.raises(InvalidRegisters):
        replace(supply, stock)
    Meter.objects.filter(pk=stock.pk).update(status="scrapped")
    with pytest.raises(InvalidMeter):
        replace(supply, stock, energy_wh=16_000)
    supply.refresh_from_db()
    assert supply.meter.status == "installed"
    auditor = create_user(username="looks", password=None, groups=("auditor",))
    with pytest.raises(NotPermitted):
        replacements.replace(
            supply, stock, old=OldMeter(), new_energy_wh=0, by=auditor, at=LATER, reason="x"
        )


def test_installers_replace_meters(supply, stock):
    installer = create_user(username="climbs", password=None, groups=("installer",))
    replacements.replace(
        supply, stock, old=OldMeter(), new_energy_wh=0, by=installer, at=LATER, reason="burnt"
    )
    assert agreement_of(stock, at=LATER) == supply


def told_everything(meter, *, accepted=None, stored=(1, 3)):
    """Have a meter's messages 1 to 3 be stored, the last one told after the replacement."""
    for seq, at in ((1, NOON - DAY), (2, NOON + timedelta(hours=1)), (3, LATER)):
        Event.objects.create(
            meter=meter,
            boot=1,
            seq=seq,
            code=201 if seq == 2 else 101,
            received_at=at,
            detail={"tid": accepted} if seq == 2 else {},
        )
    MeterLink.objects.update_or_create(
        meter=meter, defaults={"stored_boot": stored[0], "stored_seq": stored[1]}
    )
    tell_state(meter, energy_wh=12_000, credit_wh=0, at=LATER + timedelta(hours=1), last=(1, 3))


def test_a_token_is_issued_anew_only_if_proved_unused(supply, stock):
    old, token = supply.meter, supply.sales.get().tokens.get()
    done = replace(supply, stock)
    with pytest.raises(NotProvedUnused, match="moved instead"):
        second_issues.reissue(done, token, by=console_user(), at=LATER)
    told_everything(old)
    made = second_issues.reissue(done, token, by=console_user(), at=LATER)
    assert (made.new_token.meter, made.new_token.units) == (stock, token.units)
    with pytest.raises(ReplacementNotPossible, match="cannot be reissued"):
        second_issues.reissue(done, token, by=console_user(), at=LATER)


def test_a_token_that_the_old_meter_accepted_is_not_issued_anew(supply, stock):
    old, token = supply.meter, supply.sales.get().tokens.get()
    done = replace(supply, stock)
    told_everything(old, accepted=token.tid)
    assert second_issues.open_tokens(done) == []
    with pytest.raises(ReplacementNotPossible):
        second_issues.reissue(done, token, by=console_user(), at=LATER)


def test_a_token_that_is_held_back_is_not_issued_anew(supply, stock):
    held = vend_held(supply)
    old, token = supply.meter, held.tokens.get()
    done = replace(supply, stock)
    told_everything(old)
    with pytest.raises(ReplacementNotPossible, match="cannot be reissued"):
        second_issues.reissue(done, token, by=console_user(), at=LATER)
    assert take_back(held).sale == held


def test_a_sale_whose_token_was_issued_anew_is_not_taken_back(supply, stock):
    sale = supply.sales.get()
    done = replace(supply, stock)
    told_everything(sale.meter)
    second_issues.reissue(done, sale.tokens.get(), by=console_user(), at=LATER)
    with pytest.raises(ReversalRefused, match=f"issued anew for meter {stock}"):
        take_back(sale)


def vend_held(supply):
    return vending.vend(
        caller="test",
        message_id="held",
        meter=supply.meter,
        tender_minor=50_00,
        operator=console_user(),
        at=NOON + timedelta(minutes=30),
        hold_token=True,
    )


def take_back(sale):
    return reversals.reverse(
        caller="test", message_id="back", sale=sale, by=console_user(), at=LATER, reason="wrong"
    )


def test_a_gap_in_the_old_meters_messages_proves_nothing(supply, stock):
    old, token = supply.meter, supply.sales.get().tokens.get()
    done = replace(supply, stock)
    told_everything(old, stored=(1, 2))
    with pytest.raises(NotProvedUnused):
        second_issues.reissue(done, token, by=console_user(), at=LATER)


def test_a_meter_that_takes_a_token_issued_anew_hangs_again_only_with_a_new_key(supply, stock):
    old, token = supply.meter, supply.sales.get().tokens.get()
    field = FieldMeter(old)
    done = replace(supply, stock)
    told_everything(old)
    second_issues.reissue(done, token, by=console_user(), at=LATER)
    elsewhere = make_supply()
    again = {"energy_wh": 0, "credit_wh": 0, "new_energy_wh": 12_000, "at": LATER + DAY}
    with pytest.raises(NewKeyNeeded, match="give it a new key first"):
        replace(elsewhere, Meter.objects.get(pk=old.pk), **again)
    load_key()
    by = console_user()
    change = key_changes.prepare(old, changes={"krn": 2}, by=by, at=LATER, reason="hangs again")
    tokens = key_changes.issue(change, by=by, at=LATER)
    with pytest.raises(NewKeyNeeded):
        replace(elsewhere, Meter.objects.get(pk=old.pk), **again)
    assert [field.enter(one.digits) for one in tokens][-1] == "Accept"
    key_changes.mark_entered(change, evidence="person", by=by, at=LATER, reason="typed it")
    replace(elsewhere, Meter.objects.get(pk=old.pk), **again)
    assert field.enter(token.digits) != "Accept"


def test_a_token_of_a_meter_that_hangs_again_is_not_issued_anew(supply, stock):
    old, token = supply.meter, supply.sales.get().tokens.get()
    done = replace(supply, stock)
    told_everything(old)
    assert second_issues.is_proved_unused(done, token)
    replace(
        make_supply(), Meter.objects.get(pk=old.pk), energy_wh=0, credit_wh=0,
        new_energy_wh=12_000, at=LATER + DAY,
    )  # fmt: skip
    done.refresh_from_db()
    assert not second_issues.is_proved_unused(done, token)
    with pytest.raises(NotProvedUnused, match="is installed again"):
        second_issues.reissue(done, token, by=console_user(), at=LATER + DAY)
