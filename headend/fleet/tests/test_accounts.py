"""Closing a meter's account and adjusting its credit: who may, how often it counts, who hears."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.db import OperationalError

from headend.accounts import approvals
from headend.accounts.errors import SamePerson
from headend.accounts.models import User
from headend.accounts.services import create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.fleet import account_orders, acts, followers, outbox, services
from headend.fleet.delivery import State
from headend.fleet.errors import BadCommand, NeedsApproval
from headend.fleet.ingest import Arrival, store_batch
from headend.fleet.keyring import KeyRing
from headend.fleet.models import Command, WorkItem
from headend.fleet.tests.fake_meter import DRN, PREFIX, Identity, state_claims
from headend.meters.models import Meter
from headend.notifications.models import Notification
from shared.wire import codes, commands, topics

IDENTITY = Identity()
START = datetime.datetime(2026, 11, 21, 8, 0, tzinfo=datetime.UTC)
CLOSED = {"energy_wh": 70_000, "cleared_wh": 12_300, "postpaid_wh": 0, "open_reasons": 1}


def say(kind: str, **claims: Any) -> None:
    """Have the meter say something."""
    payload = IDENTITY.signed(kind, **claims)
    store_batch([Arrival(topics.up(DRN, kind, PREFIX), payload, False, START)], keys=KeyRing())


def come_online(**changes: Any) -> None:
    arrival = Arrival(topics.up(DRN, "online", PREFIX), b"1", False, START)
    store_batch([arrival], keys=KeyRing())
    say("state", **state_claims(time=int(START.timestamp()), **changes))


def send(command: Command) -> int:
    """Have a queued command go out; return its number."""
    outbox.commands_due(at=START, limit=50, keys=KeyRing())
    command.refresh_from_db()
    assert command.number is not None
    return command.number


def close(meter: Meter, by: User | None = None, reason: str = "moves out") -> Command:
    return account_orders.queue_close_account(
        meter=meter, requested_by=by, reason=reason, at=START
    )


def person(name: str, *groups: str) -> User:
    return create_user(username=name, password=None, groups=groups)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, dict[str, Any]]]:
    """What a follower of closed accounts hears."""
    heard: list[tuple[str, str, dict[str, Any]]] = []

    def hear(command: Command, *, at: datetime.datetime) -> None:
        heard.append((command.state, command.meter.drn, command.detail))

    monkeypatch.setitem(followers._followers, commands.CLOSE_ACCOUNT, [hear])
    return heard


# --- closing -------------------------------------------------------------------------------------


def test_the_answer_to_a_closed_account_is_kept_and_its_follower_told_once(meter, told) -> None:
    command = close(meter)
    assert close(meter) == command
    come_online()
    number = send(command)
    for _ in range(2):
        say("ack", n=number, stage="done", status=codes.OK, detail=CLOSED)
    command.refresh_from_db()
    assert (command.state, command.detail) == (State.ACCEPTED, CLOSED)
    assert told == [(State.ACCEPTED, DRN, CLOSED)]


def test_a_follower_hears_of_every_end(meter, told) -> None:
    services.cancel(command=close(meter), cancelled_by=None, at=START)
    close(meter)
    outbox.expire(at=START + services.LIFETIMES[commands.CLOSE_ACCOUNT])
    refused = close(meter)
    come_online()
    say("ack", n=send(refused), stage="done", status=codes.STORAGE_FAULT)
    assert [state for state, _, _ in told] == [State.CANCELLED, State.EXPIRED, State.REJECTED]


def test_a_follower_that_breaks_does_not_lose_the_answer(meter, monkeypatch) -> None:
    def stumble(command: Command, *, at: datetime.datetime) -> None:
        User.objects.create(username="half done")
        raise KeyError("no agreement")

    monkeypatch.setitem(followers._followers, commands.CLOSE_ACCOUNT, [stumble])
    command = close(meter)
    come_online()
    say("ack", n=send(command), stage="done", status=codes.OK, detail=CLOSED)
    command.refresh_from_db()
    assert (command.state, command.detail) == (State.ACCEPTED, CLOSED)
    assert not User.objects.filter(username="half done").exists()
    item = WorkItem.objects.get()
    assert "what should follow from it failed: 'no agreement'" in item.summary


def test_a_database_out_of_reach_keeps_the_answer_unacknowledged(meter, monkeypatch) -> None:
    def lose(command: Command, *, at: datetime.datetime) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setitem(followers._followers, commands.CLOSE_ACCOUNT, [lose])
    command = close(meter)
    come_online()
    number = send(command)
    with pytest.raises(OperationalError):
        say("ack", n=number, stage="done", status=codes.OK, detail=CLOSED)
    command.refresh_from_db()
    assert command.state != State.ACCEPTED


def test_only_who_may_close_accounts_does(meter) -> None:
    with pytest.raises(NotPermitted):
        close(meter, person("cashier", "cashier"))
    engineer = person("engineer", "engineer")
    close(meter, engineer)
    entry = AuditEntry.objects.get(action="fleet.close_account")
    assert (entry.actor, entry.reason) == (engineer, "moves out")


def test_nobody_is_warned_of_low_credit_on_a_closed_account(meter, agreement) -> None:
    come_online(credit_wh=0, account_status="closed", open_reasons=["no_credit"])
    assert not Notification.objects.exists()
    say("state", **state_claims(time=int(START.timestamp()), revision=2, credit_wh=0))
    assert Notification.objects.count() == 1


# --- adjusting -----------------------------------------------------------------------------------


def test_credit_is_adjusted_when_a_second_person_approved(meter) -> None:
    engineer, approver = person("engineer", "engineer"), person("approver", "approver")
    approval = acts.request_adjustment(
        meter, -2500, by=engineer, at=START, reason="credited twice"
    )
    assert approval.summary == f"Take 2.5 kWh from the credit of meter {DRN}"
    assert list(acts.adjustments_waiting(meter)) == [approval]
    assert not Command.objects.exists()
    with pytest.raises(SamePerson):
        approvals.approve(approval, engineer, START)
    approvals.approve(approval, approver, START)
    command = Command.objects.get()
    assert (command.command, command.arguments) == ("adjust_credit", {"amount_wh": -2500})
    assert (command.requested_by, command.reason) == (engineer, "credited twice")
    entry = AuditEntry.objects.get(action="fleet.adjust_credit")
    assert entry.after == {"amount_wh": -2500, "approved_by": "approver"}
    assert not acts.adjustments_waiting(meter).exists()


def test_two_equal_adjustments_count_twice(meter) -> None:
    for _ in range(2):
        account_orders.queue_adjust_credit(
            meter=meter, amount_wh=500, requested_by=None, approved_by=None, reason="", at=START
        )
    assert Command.objects.filter(arguments={"amount_wh": 500}).count() == 2


def test_one_person_alone_adjusts_nothing(meter) -> None:
    engineer = person("engineer", "engineer")
    for approved_by in (None, engineer):
        with pytest.raises(NeedsApproval):
            account_orders.queue_adjust_credit(
                meter=meter,
                amount_wh=500,
                requested_by=engineer,
                approved_by=approved_by,
                reason="",
                at=START,
            )
    with pytest.raises(BadCommand):
        services.queue_command(
            meter=meter,
            command=commands.ADJUST_CREDIT,
            arguments={"amount_wh": 500},
            requested_by=engineer,
            at=START,
        )
    with pytest.raises(NotPermitted):
        acts.request_adjustment(meter, 5, by=person("c", "cashier"), at=START, reason="")
    assert not Command.objects.exists()


@pytest.mark.parametrize("amount_wh", [0, 1_000_000_001, -1_000_000_001])
def test_an_adjustment_beyond_bounds_is_refused_before_anybody_approves(meter, amount_wh) -> None:
    with pytest.raises(BadCommand):
        acts.request_adjustment(
            meter, amount_wh, by=person("engineer", "engineer"), at=START, reason=""
        )
    with pytest.raises(BadCommand):
        account_orders.queue_adjust_credit(
            meter=meter,
            amount_wh=amount_wh,
            requested_by=None,
            approved_by=None,
            reason="",
            at=START,
        )
