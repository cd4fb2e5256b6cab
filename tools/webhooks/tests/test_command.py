"""`prepay webhooks` as an administrator calls it."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from headend.config.opaque import encode, id_of
from headend.testing import NOON
from headend.webhooks.models import Delivery, Subscription
from tools.prepay import main

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch):
    monkeypatch.setattr("tools.webhooks.command._now", lambda: NOON)


def run(*arguments):
    return CliRunner().invoke(main, ["webhooks", *arguments])


def told(*arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def add(*more):
    return told(
        "add", "crm", "https://crm.example/hook", "--name", "CRM", "--kind", "sale.made", *more
    )


def test_a_receiver_is_added_listed_paused_and_ended():
    made = add()
    assert made["secret"].startswith("whsec_")
    (listed,) = told("list")["webhooks"]
    assert listed["id"] == made["id"] == id_of(Subscription.objects.get())
    assert "secret" not in listed
    assert "CRM of api-crm" in run("list").output
    assert told("pause", made["id"])["state"] == "paused"
    assert told("resume", made["id"])["state"] == "active"
    assert told("end", made["id"])["state"] == "ended"
    assert told("list")["webhooks"] == []
    assert len(told("list", "--all")["webhooks"]) == 1
    refused = run("resume", made["id"])
    assert (refused.exit_code, "has ended" in refused.output) == (1, True)


def test_what_was_given_up_is_listed_and_sent_again():
    made = add()
    told("test", made["id"])
    assert told("given-up")["deliveries"] == []
    assert "Nothing was given up" in run("given-up").output
    Delivery.objects.update(state=Delivery.State.DEAD, last_error="it answered 500")
    (dead,) = told("given-up", "--of", made["id"])["deliveries"]
    assert (dead["kind"], dead["error"]) == ("webhook.test", "it answered 500")
    assert "it answered 500" in run("given-up").output
    assert told("replay", made["id"]) == {"queued": 1}
    assert told("replay", made["id"]) == {"queued": 0}
    assert told("replay", made["id"], "--event", dead["event"]) == {"queued": 1}
    later = (NOON + timedelta(hours=1)).replace(tzinfo=None).isoformat()
    assert told("replay", made["id"], "--since", later) == {"queued": 0}
    assert told("list")["webhooks"][0]["waiting"] == 1


def test_what_cannot_be_is_refused_in_words():
    refused = run("add", "crm", "http://crm.example/", "--name", "CRM", "--kind", "sale.made")
    assert refused.exit_code == 1
    unknown = json.loads(run("test", encode("webhooks.subscription", 77), "--json").output)
    assert unknown["error"]["code"] == "webhook_invalid"
    assert run("replay", "x", "--event", "evt_1", "--since", "2026-11-21").exit_code == 2


def test_the_kinds_are_listed():
    assert told("kinds")["sale.made"] == "A sale was made."
