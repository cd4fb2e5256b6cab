"""From what happens to what a program is told: events, deliveries, retries, scopes, replay."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command

from headend.accounts import approvals
from headend.accounts.models import User
from headend.accounts.programs import grant, program_named
from headend.accounts.services import console_user, create_user
from headend.announcements.models import Announcement
from headend.audit import services as audit
from headend.audit.models import AuditEntry
from headend.audit.sealer import Sealer
from headend.config.errors import NotPermitted
from headend.debts.acts import request_write_off
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.exchange.models import Job, Sheet
from headend.fleet import steps
from headend.fleet.delivery import Occurrence
from headend.fleet.models import Command
from headend.fleet.numbered import WORTH_TELLING
from headend.supply import closings, modes
from headend.testing import NOON, make_supply
from headend.vending import reversals
from headend.vending.models import TokenDelivery
from headend.vending.services import vend
from headend.vendors.services import add_operator
from headend.vendors.tests.conftest import Shop
from headend.webhooks import derivation, field, happenings, retries, services, worker
from headend.webhooks.errors import InvalidWebhook, WebhookEnded
from headend.webhooks.kinds import KINDS
from headend.webhooks.models import Delivery, Event, Subscription
from headend.webhooks.sending import Outcome
from shared.wire import codes

URL = "https://receiver.example/hook"
DELIVERED, PENDING, DEAD = Delivery.State.DELIVERED, Delivery.State.PENDING, Delivery.State.DEAD


class Receiver:
    """Stands for the network: answers as told and keeps what it was sent."""

    def __init__(self, *answers: Outcome) -> None:
        self.answers = list(answers)
        self.taken: list[tuple[str, dict[str, Any], dict[str, str]]] = []

    def send(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        self.taken.append((url, json.loads(body), headers))
        return self.answers.pop(0) if self.answers else Outcome(200, "")


@pytest.fixture
def supply(db: None, at_noon: None) -> Any:
    return make_supply()


@pytest.fixture
def subscribe(db: None) -> Callable[..., Subscription]:
    """Have a program told of some kinds."""

    def subscribe(*kinds: str, program: str = "crm") -> Subscription:
        return services.subscribe(
            program=program_named(program),
            name="for a test",
            url=URL,
            kinds=kinds or KINDS,
            by=console_user(),
            at=NOON,
        ).webhook

    return subscribe


def sell(supply: Any, message_id: str = "m-1", tender_minor: int = 10_000, **more: Any) -> Any:
    return vend(
        caller="till",
        message_id=message_id,
        meter=supply.meter,
        tender_minor=tender_minor,
        operator=more.pop("operator", None) or console_user(),
        at=NOON + timedelta(minutes=1),
        **more,
    )


def work(receiver: Receiver, *, at: datetime = NOON) -> None:
    """Seal, derive and send until nothing is left for now."""
    sealer = Sealer()
    while sealer.seal(at=at):
        pass
    one = worker.Worker(receiver, chance=lambda: 0.5)
    while not one.step(at=at):
        pass
    one.finish()


# --- what is told --------------------------------------------------------------------------------


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
    assert told["agreement.ended"]["agreement_id"] == supply.pk
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


# --- who is told ---------------------------------------------------------------------------------


def test_a_program_is_told_only_what_it_may_see(supply, subscribe):
    webhook = subscribe("sale.made")
    webhook.program.user_permissions.clear()
    sell(supply)
    receiver = Receiver()
    work(receiver)
    assert receiver.taken == []


def test_a_program_of_a_vendor_is_told_of_its_vendor_only(supply, subscribe):
    own, other = Shop("Shop"), Shop("Other")
    webhook = subscribe("sale.made", "debt.opened", program="shop")
    add_operator(own.vendor, webhook.program, by=console_user(), at=NOON)
    for shop in (own, other):
        shop.buy(50_000)
        shop.open_shift()
    mine = own.sell(10_000, supply)
    other.sell(10_000, supply)
    sell(supply)
    receiver = Receiver()
    work(receiver)
    assert [body["data"]["receipt_number"] for _, body, _ in receiver.taken] == [
        mine.receipt_number
    ]


def test_a_program_subscribes_itself_within_what_it_may_see(supply):
    program = program_named("crm")
    asked: dict[str, Any] = {"program": program, "name": "mine", "url": URL, "at": NOON}
    with pytest.raises(NotPermitted):
        services.subscribe(**asked, kinds=["sale.made"], by=program)
    grant(program, ["webhooks.subscribe", "vending.view_sale"])
    program = User.objects.get(pk=program.pk)
    asked["program"] = program
    assert services.subscribe(**asked, kinds=["sale.made"], by=program).webhook.pk
    with pytest.raises(NotPermitted, match=r"debt\.opened"):
        services.subscribe(**asked, kinds=["sale.made", "debt.opened"], by=program)
    webhook = program.webhooks.get()
    stranger = program_named("stranger")
    grant(stranger, ["webhooks.subscribe"])
    with pytest.raises(NotPermitted):
        services.pause(webhook, by=User.objects.get(pk=stranger.pk), at=NOON)


@pytest.mark.parametrize(
    "fault",
    [{"name": " "}, {"kinds": []}, {"kinds": ["sale"]}, {"url": "http://receiver.example/"}],
)
def test_an_impossible_webhook_is_refused(db, fault):
    asked = {"name": "test", "url": URL, "kinds": ["sale.made"]}
    with pytest.raises(InvalidWebhook):
        services.subscribe(
            program=program_named("crm"), **(asked | fault), by=console_user(), at=NOON
        )


# --- again and again -----------------------------------------------------------------------------


def test_a_failure_is_tried_again_later_with_the_same_id_and_body(supply, subscribe):
    subscribe("sale.made")
    sell(supply)
    receiver = Receiver(Outcome(500, "it answered 500"))
    work(receiver)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.last_status) == (PENDING, 1, 500)
    work(receiver, at=NOON + timedelta(seconds=9))
    assert len(receiver.taken) == 1
    work(receiver, at=NOON + timedelta(seconds=11))
    first, second = receiver.taken
    assert first[1] == second[1]
    assert first[2]["webhook-id"] == second[2]["webhook-id"]
    assert Delivery.objects.get().state == DELIVERED


def test_after_the_last_attempt_it_is_given_up_and_can_be_sent_again(supply, subscribe):
    webhook = subscribe("sale.made")
    sell(supply)
    receiver = Receiver(*[Outcome(None, "nobody there")] * retries.MOST_ATTEMPTS)
    at = NOON
    for _ in range(retries.MOST_ATTEMPTS):
        work(receiver, at=at)
        at += timedelta(hours=13)
        Delivery.objects.update(queued_at=at)  # by their number, not by their age
    assert Delivery.objects.get().state == DEAD
    work(receiver, at=at)
    assert len(receiver.taken) == retries.MOST_ATTEMPTS
    queued = services.replay(webhook, webhook.deliveries.all(), by=console_user(), at=at)
    assert queued == 1
    work(receiver, at=at)
    assert Delivery.objects.get().state == DELIVERED
    assert len({headers["webhook-id"] for _, _, headers in receiver.taken}) == 1


def test_what_nobody_takes_for_days_is_given_up(supply, subscribe):
    subscribe("sale.made")
    sell(supply)
    receiver = Receiver(Outcome(None, "nobody there"))
    work(receiver)
    worker.sweep(at=NOON + retries.GIVE_UP_AFTER + timedelta(seconds=1))
    assert Delivery.objects.get().state == DEAD
    assert Delivery.objects.get().last_error == "nobody there"


def test_a_receiver_that_fails_again_and_again_is_left_alone_for_a_while(supply, subscribe):
    webhook = subscribe("sale.made")
    for number in range(20):
        sell(supply, f"m-{number}", 1_000)
    receiver = Receiver(*[Outcome(503, "it answered 503")] * 20)
    work(receiver)
    asked = len(receiver.taken)
    assert asked < 20
    webhook.refresh_from_db()
    assert webhook.resting_until > NOON
    work(receiver, at=NOON + timedelta(minutes=6))
    assert Delivery.objects.exclude(attempts=0).count() > asked - 1
    receiver.answers.clear()
    work(receiver, at=NOON + timedelta(minutes=12))
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.resting_until) == (0, None)
    assert not Delivery.objects.exclude(state=DELIVERED).exists()


def test_a_worker_that_dies_while_sending_only_delays(supply, subscribe):
    subscribe("sale.made")
    sell(supply)
    Sealer().seal(at=NOON)
    derivation.derive(at=NOON)
    assert len(worker.lease(at=NOON, most=5, busy=Counter())) == 1
    receiver = Receiver()
    work(receiver)
    assert receiver.taken == []
    work(receiver, at=NOON + worker.LEASE)
    assert len(receiver.taken) == 1


def test_a_paused_webhook_keeps_its_events(supply, subscribe):
    webhook = subscribe("sale.made")
    services.pause(webhook, by=console_user(), at=NOON)
    sell(supply)
    receiver = Receiver()
    work(receiver)
    later = NOON + timedelta(days=10)
    worker.sweep(at=later)
    assert receiver.taken == []
    services.resume(webhook, by=console_user(), at=later)
    worker.sweep(at=later)
    work(receiver, at=later)
    assert len(receiver.taken) == 1


def test_an_ended_webhook_is_told_nothing_and_stays_ended(supply, subscribe):
    webhook = subscribe("sale.made")
    services.end(webhook, by=console_user(), at=NOON)
    sell(supply)
    receiver = Receiver()
    work(receiver)
    assert receiver.taken == []
    with pytest.raises(WebhookEnded):
        services.resume(webhook, by=console_user(), at=NOON)


def test_for_a_day_after_an_exchange_both_secrets_sign(supply, subscribe):
    webhook = subscribe("sale.made")
    services.exchange_secret(webhook, by=console_user(), at=NOON)
    webhook.refresh_from_db()
    assert len(services.valid_secrets(webhook, at=NOON + timedelta(hours=23))) == 2
    assert len(services.valid_secrets(webhook, at=NOON + timedelta(hours=25))) == 1


def test_two_workers_begin_different_deliveries(supply, subscribe):
    subscribe("sale.made")
    for number in range(4):
        sell(supply, f"m-{number}", 1_000)
    Sealer().seal(at=NOON)
    derivation.derive(at=NOON)
    first = worker.lease(at=NOON, most=2, busy=Counter())
    second = worker.lease(at=NOON, most=4, busy=Counter())
    assert len({one.pk for one in first + second}) == len(first) + len(second) == 4


def test_the_command_sends_what_is_due_and_ends(supply, subscribe):
    webhook = subscribe("sale.made")
    Subscription.objects.filter(pk=webhook.pk).update(url="https://127.0.0.1:1/")
    sell(supply)
    Sealer().seal(at=NOON)
    call_command("deliver_webhooks", "--once")
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == (PENDING, 1)
    assert "not sent" in delivery.last_error


def test_a_test_event_arrives(supply, subscribe):
    webhook = subscribe("debt.opened")
    services.send_test(webhook, by=console_user(), at=NOON)
    receiver = Receiver()
    work(receiver)
    assert receiver.taken[0][1]["kind"] == "webhook.test"


def test_old_events_are_forgotten(supply, subscribe):
    subscribe("sale.made")
    sell(supply)
    work(Receiver())
    worker.sweep(at=NOON + worker.RETENTION + timedelta(days=1))
    assert not Event.objects.exists()
    assert not Delivery.objects.exists()


def test_the_record_tells_who_did_what_and_no_secret(supply):
    made = services.subscribe(
        program=program_named("crm"),
        name="for a test",
        url=URL,
        kinds=["sale.made"],
        by=console_user(),
        at=NOON,
    )
    entry = AuditEntry.objects.get(action="webhooks.subscribe")
    assert entry.after is not None
    assert entry.after["url"] == URL
    assert made.text not in json.dumps(entry.after)
    assert made.text.encode() not in bytes(made.webhook.sealed_secret)
