"""What is told of what happens: each once, with its facts and without secrets."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from headend.accounts import approvals
from headend.accounts.models import User
from headend.accounts.programs import grant
from headend.accounts.services import console_user, create_user
from headend.announcements.models import Announcement
from headend.audit import services as audit
from headend.audit.sealer import Sealer
from headend.config import opaque
from headend.debts.acts import request_write_off
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.exchange.models import Job, Sheet
from headend.fleet import steps
from headend.fleet.delivery import Occurrence
from headend.fleet.models import Command
from headend.fleet.numbered import WORTH_TELLING
from headend.supply import closings, modes
from headend.testing import NOON
from headend.vending import reversals
from headend.vending.models import TokenDelivery
from headend.vendors import wallet_watch
from headend.vendors.services import add_operator
from headend.vendors.tests.conftest import Shop
from headend.webhooks import derivation, field, happenings
from headend.webhooks.kinds import KINDS
from headend.webhooks.models import Delivery, Event
from headend.webhooks.tests.conftest import DELIVERED, URL, Receiver, sell, work
from shared.wire import codes


def test_a_sale_is_told_once_with_its_facts_and_without_its_token(supply, subscribe):
    subscribe("sale.made")
    sale = sell(supply)
    receiver = Receiver()
    work(receiver)
    work(receiver)
    ((url, body, headers),) = receiver.taken
    assert url == URL
    assert body["kind"] == "sale.made"
    assert headers["webhook-id"] == body["id"]
    assert body["data"]["receipt_number"] == sale.receipt_number
    assert body["data"]["tender_minor"] == 10_000
    assert sale.tokens.get().digits not in json.dumps(body)
    assert Delivery.objects.get().state == DELIVERED


def test_a_reversal_is_told_with_its_reason(supply, subscribe):
    subscribe("sale.reversed")
    sale = sell(supply, hold_token=True)
    reversals.reverse(
        caller="till",
        message_id="r-1",
        sale=sale,
        by=console_user(),
        at=NOON + timedelta(minutes=2),
        reason="wrong meter",
    )
    receiver = Receiver()
    work(receiver)
    ((_, body, _),) = receiver.taken
    assert body["kind"] == "sale.reversed"
    assert body["data"]["receipt_number"] == sale.receipt_number
    assert body["data"]["reason"] == "wrong meter"


def test_what_nobody_wants_makes_no_event(supply, subscribe):
    sell(supply)
    work(Receiver())
    subscribe("customer.registered")
    sell(supply, "m-2")
    work(Receiver())
    assert not Event.objects.exists()


def test_what_happened_before_the_first_webhook_is_not_told(supply, subscribe):
    sell(supply)
    work(Receiver())
    subscribe("sale.made")
    receiver = Receiver()
    work(receiver)
    assert receiver.taken == []


def test_a_token_that_arrives_is_told_to_the_program(supply, subscribe):
    subscribe("token.delivered", "token.rejected")
    sale = sell(supply, send=True)
    command = TokenDelivery.objects.get().command
    command.number = 1
    steps.step(command, Occurrence.NUMBERED, at=NOON)
    command.status = 1
    steps.step(command, Occurrence.METER_ACCEPTED, at=NOON)
    receiver = Receiver()
    work(receiver)
    ((_, body, _),) = receiver.taken
    assert body["kind"] == "token.delivered"
    assert body["data"]["receipt_number"] == sale.receipt_number
    assert body["data"]["meter"] == supply.meter.drn
    assert not Announcement.objects.exists()


def test_a_debt_is_told_when_the_last_of_it_is_paid(supply, subscribe):
    subscribe("debt.opened", "debt.paid_off")
    open_debt(
        owner=supply.customer,
        title="Reconnection",
        amount_minor=2_000,
        terms=Terms(method="per_purchase", amount_minor=1_500),
        by=console_user(),
        at=NOON,
    )
    receiver = Receiver()
    sell(supply, "m-1")
    work(receiver)
    assert [body["kind"] for _, body, _ in receiver.taken] == ["debt.opened"]
    sell(supply, "m-2")
    sell(supply, "m-3")
    work(receiver)
    assert [body["kind"] for _, body, _ in receiver.taken[1:]] == ["debt.paid_off"]
    assert receiver.taken[1][1]["data"]["balance_minor"] == 0


def test_requests_and_their_decisions_are_told_to_who_asked(supply, subscribe):
    webhook = subscribe("approval.requested", "approval.decided", "debt.written_off")
    subscribe("approval.requested", "approval.decided", program="stranger")
    debt = open_debt(
        owner=supply.customer,
        title="Meter",
        amount_minor=2_000,
        terms=Terms(method="percent", percent=Decimal(10)),
        by=console_user(),
        at=NOON,
    )
    grant(webhook.program, ["debts.write_off"])
    program = User.objects.get(pk=webhook.program.pk)
    asked = request_write_off(debt, 500, by=program, at=NOON, reason="hardship")
    request_write_off(debt, 600, by=console_user(), at=NOON, reason="not the program's")
    second = create_user(username="second", password=None, groups=("approver",))
    approvals.approve(asked, second, NOON)
    receiver = Receiver()
    work(receiver)
    told = {body["kind"]: body["data"] for _, body, _ in receiver.taken}
    assert len(receiver.taken) == 3
    assert told["approval.requested"]["state"] == "open"
    assert told["approval.decided"]["decided_by"] == "second"
    assert told["debt.written_off"]["balance_minor"] == 1_500


def test_a_low_wallet_is_told_to_its_vendor_too(supply, subscribe):
    shop = Shop()
    shop.buy(500_00)
    shop.open_shift()
    webhook = subscribe("vendor.wallet_low", program="shop")
    add_operator(shop.vendor, webhook.program, by=console_user(), at=NOON)
    wallet_watch.set_threshold(shop.vendor, 100_00, by=console_user(), at=NOON)
    shop.sell(450_00, supply)
    receiver = Receiver()
    for _ in range(2):
        wallet_watch.look(at=NOON)
        work(receiver)
    ((_, body, _),) = receiver.taken
    assert body["data"] == {
        "vendor_id": opaque.id_of(shop.vendor),
        "available_minor": 50_00,
        "threshold_minor": 100_00,
        "currency": "ZAR",
    }


def test_acts_on_supplies_and_imports_are_told(supply, subscribe):
    subscribe("agreement.settled", "agreement.ended", "meter.mode_settled", "import.finished")
    command = Command.objects.create(
        meter=supply.meter,
        command="payment_mode",
        arguments={"mode": "postpayment"},
        detail={"energy_wh": 5_000, "credit_wh": 0, "postpaid_wh": 0},
        created_at=NOON,
    )
    modes.settle(command, at=NOON)
    later = NOON + timedelta(days=1)
    by = console_user()
    closing = closings.start(supply, by=by, at=later, reason="moves", ask_meter=False)
    closings.note_registers(closing, energy_wh=5_000, credit_wh=0, by=by, at=later)
    closings.settle(closing, by=by, at=later)
    sheet = Sheet.objects.create(
        kind="customers",
        file_name="customers.csv",
        file_format="csv",
        digest=b"1",
        size_bytes=1,
        handed_in_by=by,
        handed_in_at=NOON,
    )
    job = Job.objects.create(
        sheet=sheet, dry_run=True, state="done", requested_by=by, requested_at=NOON
    )
    audit.record(actor=by, action="exchange.finish", target=job, at=NOON)
    receiver = Receiver()
    work(receiver)
    told = {body["kind"]: body["data"] for _, body, _ in receiver.taken}
    assert told["meter.mode_settled"]["payment_mode"] == "postpayment"
    assert told["agreement.settled"]["number"] == closing.number
    assert told["agreement.ended"]["agreement_id"] == opaque.id_of(supply)
    assert told["import.finished"]["file_name"] == "customers.csv"


def test_every_kind_comes_of_something_and_every_event_worth_telling_has_a_kind():
    read = {kind for kinds, _ in happenings._readers.values() for kind in kinds}
    fleet = {"token.delivered", "token.rejected", "command.done", "command.failed"}
    fleet |= {"meter.low_credit", *field.EVENT_KINDS.values()}
    assert read | fleet == set(KINDS)
    told = {code for code in field.EVENT_KINDS if not codes.is_fraud_event(code)}
    assert told == WORTH_TELLING


def test_one_that_breaks_our_code_does_not_hold_up_the_others(supply, subscribe, monkeypatch):
    subscribe("sale.made")
    first, second = sell(supply, "m-1"), sell(supply, "m-2")
    whole = happenings._sale

    def broken(sale: Any) -> dict[str, Any]:
        if sale == first:
            raise KeyError("surprise")
        return whole(sale)

    monkeypatch.setattr(happenings, "_sale", broken)
    receiver = Receiver()
    work(receiver)
    assert [body["data"]["receipt_number"] for _, body, _ in receiver.taken] == [
        second.receipt_number
    ]


def test_a_crash_in_the_middle_repeats_the_whole_and_doubles_nothing(
    supply, subscribe, monkeypatch
):
    subscribe("sale.made")
    sell(supply)
    Sealer().seal(at=NOON)

    def crash(*_: Any, **__: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(Delivery.objects, "bulk_create", crash)
        with pytest.raises(ConnectionError):
            derivation.derive(at=NOON)
    assert not Event.objects.exists()
    derivation.derive(at=NOON)
    assert Event.objects.count() == Delivery.objects.count() == 1
