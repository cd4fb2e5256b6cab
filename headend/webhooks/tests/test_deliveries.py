"""Again and again: retries, replay, pauses, exchanged secrets."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

import pytest
from django.core.management import call_command

from headend.accounts.programs import program_named
from headend.accounts.services import console_user
from headend.audit.models import AuditEntry
from headend.audit.sealer import Sealer
from headend.fleet.models import WorkItem
from headend.fleet.work_items import close_work_item
from headend.testing import NOON
from headend.webhooks import derivation, retries, services, worker
from headend.webhooks.errors import WebhookEnded
from headend.webhooks.models import Delivery, Event, Subscription
from headend.webhooks.sending import Outcome
from headend.webhooks.tests.conftest import DEAD, DELIVERED, PENDING, URL, Receiver, sell, work


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
    (item,) = WorkItem.objects.filter(closed_at=None)
    assert item.summary.startswith("for a test of api-crm is not told everything (nobody there)")
    queued = services.replay(webhook, webhook.deliveries.all(), by=console_user(), at=at)
    assert queued == 1
    assert not WorkItem.objects.filter(closed_at=None).exists()
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


def test_what_was_given_up_is_one_work_item_until_nothing_of_it_is_left(supply, subscribe):
    webhook = subscribe("sale.made")
    for number in range(2):
        sell(supply, f"m-{number}")
    work(Receiver(*[Outcome(None, "nobody there")] * 2))
    late = NOON + retries.GIVE_UP_AFTER + timedelta(minutes=5)
    worker.sweep(at=late)
    worker.sweep(at=late)
    (item,) = WorkItem.objects.filter(closed_at=None)
    assert "nobody took it for 3 days" in item.summary
    one = webhook.deliveries.order_by("pk")[:1]
    services.replay(webhook, webhook.deliveries.filter(pk__in=one), by=console_user(), at=late)
    assert WorkItem.objects.filter(closed_at=None).count() == 1  # the other is given up still
    close_work_item(item=item, closed_by=console_user(), at=late)
    worker.sweep(at=late)
    assert not WorkItem.objects.filter(closed_at=None).exists()  # a person dealt with it
    worker.sweep(at=late + retries.GIVE_UP_AFTER + timedelta(minutes=5))
    assert WorkItem.objects.filter(closed_at=None).count() == 1  # given up anew
    worker.sweep(at=NOON + worker.RETENTION + timedelta(days=1))
    assert not WorkItem.objects.filter(closed_at=None).exists()  # forgotten


def test_a_webhook_that_was_ended_is_nobodys_work(supply, subscribe):
    webhook = subscribe("sale.made")
    sell(supply)
    work(Receiver(Outcome(None, "nobody there")))
    worker.sweep(at=NOON + retries.GIVE_UP_AFTER + timedelta(seconds=1))
    assert WorkItem.objects.filter(closed_at=None).count() == 1
    services.end(webhook, by=console_user(), at=NOON)
    assert not WorkItem.objects.filter(closed_at=None).exists()


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
