"""Commands: asked for once, numbered in order, one at a time, the same bytes every time."""

from __future__ import annotations

import datetime

import pytest

from headend.accounts.models import User
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.fleet import account_orders, outbox, services
from headend.fleet.errors import BadCommand, CommandFinished, CommandSent
from headend.fleet.ingest import Arrival, store_batch
from headend.fleet.keyring import KeyRing
from headend.fleet.models import Command, MeterLink, WorkItem
from headend.fleet.outbox import Publication
from headend.fleet.tests.conftest import make_meter
from headend.fleet.tests.fake_meter import DRN, PREFIX, Identity, state_claims
from headend.meters.models import Meter
from shared.sts import result
from shared.wire import codes, topics

IDENTITY = Identity()
START = datetime.datetime(2026, 11, 21, 8, 0, tzinfo=datetime.UTC)
KEYS = KeyRing()
OTHER_DRN = "04000000021"


def _say(kind: str, payload: bytes, at: datetime.datetime = START) -> None:
    store_batch([Arrival(topics.up(DRN, kind, PREFIX), payload, False, at)], keys=KeyRing())


def _come_online(at: datetime.datetime = START, **changes: object) -> None:
    _say("online", str(changes.get("boot", 1)).encode(), at)
    changes.setdefault("time", int(at.timestamp()))
    _say("state", IDENTITY.signed("state", **state_claims(**changes)), at)


def _answer(number: int | None, status: int) -> None:
    _say("ack", IDENTITY.signed("ack", n=number, stage="done", status=status))


def _due(seconds: float = 0) -> list[Publication]:
    at = START + datetime.timedelta(seconds=seconds)
    return outbox.commands_due(at=at, limit=50, keys=KeyRing())


def _ping(meter: Meter) -> Command:
    return services.queue_command(
        meter=meter, command="ping", arguments={}, requested_by=None, at=START
    )


def _switch(meter: Meter, action: str) -> Command:
    return services.queue_command(
        meter=meter,
        command="load_switch",
        arguments={"action": action},
        requested_by=None,
        at=START,
    )


def _token(meter: Meter, digits: str = "1" * 20) -> Command:
    return services.queue_token(meter=meter, digits=digits, requested_by=None, at=START)


def _states() -> list[str]:
    return list(Command.objects.order_by("id").values_list("state", flat=True))


# --- asking --------------------------------------------------------------------------------------


def test_the_same_token_is_the_same_command_until_it_failed(meter: Meter) -> None:
    first = _token(meter)
    assert _token(meter) == first
    _come_online()
    _due()
    assert _token(meter) == first
    _answer(1, result.ACCEPT)
    assert _token(meter) == first
    Command.objects.update(state="rejected")
    assert _token(meter) != first


def test_identical_waiting_commands_are_one_and_opposite_ones_supersede(meter: Meter) -> None:
    first = _switch(meter, "disconnect")
    assert _switch(meter, "disconnect") == first
    second = _switch(meter, "connect")
    first.refresh_from_db()
    assert (first.state, second.state) == ("superseded", "pending")


def test_what_was_sent_is_neither_joined_nor_superseded(meter: Meter) -> None:
    _come_online()
    _switch(meter, "disconnect")
    assert len(_due()) == 1
    _switch(meter, "connect")
    assert _states() == ["queued", "pending"]


def test_a_later_setting_of_the_same_things_supersedes(meter: Meter) -> None:
    for arguments in ({"language": "en"}, {"low_credit_wh": 1}, {"low_credit_wh": 2}):
        services.queue_command(
            meter=meter, command="configure", arguments=arguments, requested_by=None, at=START
        )
    assert _states() == ["pending", "superseded", "pending"]


@pytest.mark.parametrize("digits", ["", "1" * 19, "1" * 21, "1" * 19 + "x", "١" * 20])
def test_a_token_has_twenty_digits(meter: Meter, digits: str) -> None:
    with pytest.raises(BadCommand, match=DRN):
        _token(meter, digits)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [("explode", {}), ("token", {"digits": "1" * 20}), ("ping", {"x": 1}), ("load_switch", {})],
)
def test_bad_commands_are_refused_when_asked_for(
    meter: Meter, command: str, arguments: dict[str, object]
) -> None:
    with pytest.raises(BadCommand):
        services.queue_command(
            meter=meter, command=command, arguments=arguments, requested_by=None
        )
    assert not Command.objects.exists()


def test_nobody_commands_without_permission(meter: Meter) -> None:
    nobody = User.objects.create(username="nobody")
    with pytest.raises(NotPermitted):
        services.queue_command(
            meter=meter, command="ping", arguments={}, requested_by=nobody, at=START
        )
    with pytest.raises(NotPermitted):
        services.queue_token(meter=meter, digits="1" * 20, requested_by=nobody, at=START)
    with pytest.raises(NotPermitted):
        account_orders.change_payment_mode(
            meter=meter, payment_mode="prepayment", requested_by=nobody
        )
    with pytest.raises(NotPermitted):
        services.cancel(command=_ping(meter), cancelled_by=nobody)


def test_a_mode_change_records_the_intent_and_is_audited(meter: Meter, person: User) -> None:
    command = account_orders.change_payment_mode(
        meter=meter, payment_mode="postpayment", requested_by=person, reason="municipal office"
    )
    meter.refresh_from_db()
    assert meter.intended_payment_mode == "postpayment"
    assert command.arguments == {"mode": "postpayment"}
    actions = set(AuditEntry.objects.filter(actor=person).values_list("action", flat=True))
    assert actions == {"fleet.payment_mode", "fleet.intend_payment_mode"}


def test_the_audit_does_not_show_token_digits(meter: Meter) -> None:
    _token(meter, "12345678901234567890")
    assert "1234567890" not in str(list(AuditEntry.objects.values()))


# --- publishing ----------------------------------------------------------------------------------


def test_nothing_is_sent_to_a_meter_that_is_away(meter: Meter) -> None:
    _ping(meter)
    assert _due() == []
    _come_online()
    assert len(_due()) == 1
    assert _states() == ["queued"]


def test_nothing_is_numbered_before_the_state_of_this_boot_is_known(meter: Meter) -> None:
    _ping(meter)
    _come_online(boot=1)
    _say("online", b"2")
    assert _due() == []
    _say("state", IDENTITY.signed("state", **state_claims(boot=2)))
    assert len(_due()) == 1


def test_one_unfinished_command_per_meter_in_the_order_asked(meter: Meter) -> None:
    _come_online()
    for command in ("1" * 20, "2" * 20, "3" * 20):
        _token(meter, command)
    sent = []
    for number in (1, 2, 3):
        (publication,) = _due()
        assert _due() == []
        claims = IDENTITY.read(publication.payload)
        sent.append((claims["n"], claims["args"]["digits"][0]))
        _answer(number, result.ACCEPT)
    assert sent == [(1, "1"), (2, "2"), (3, "3")]


def test_a_long_queue_of_one_meter_does_not_starve_another(meter: Meter) -> None:
    other = make_meter(OTHER_DRN)
    for place in range(5):
        _token(meter, f"{place:020}")
    _come_online()
    identity = Identity(OTHER_DRN)
    for kind, payload in (
        ("online", b"1"),
        ("state", identity.signed("state", **state_claims(time=int(START.timestamp())))),
    ):
        arrival = Arrival(topics.up(OTHER_DRN, kind, PREFIX), payload, False, START)
        store_batch([arrival], keys=KeyRing())
    _ping(other)
    sent = outbox.commands_due(at=START, limit=2, keys=KeyRing())
    assert {each.topic for each in sent} == {
        topics.down(DRN, PREFIX),
        topics.down(OTHER_DRN, PREFIX),
    }


def test_a_resend_is_always_the_same_bytes(meter: Meter) -> None:
    _come_online()
    _ping(meter)
    (first,) = _due()
    assert _due(9) == []
    (second,) = _due(10)
    assert (second.payload, second.number) == (first.payload, first.number)
    assert _due(11) == []
    _come_online(at=START + datetime.timedelta(seconds=12), revision=2)
    (third,) = _due(12)
    assert third.payload == first.payload


def test_a_state_shows_that_a_command_is_missing(meter: Meter) -> None:
    _come_online()
    _ping(meter)
    _due()
    soon, later = (START + datetime.timedelta(seconds=each) for each in (2, 6))
    _say("state", IDENTITY.signed("state", **state_claims(revision=2)), soon)
    assert _due(2) == []
    _say("state", IDENTITY.signed("state", **state_claims(revision=3)), later)
    assert len(_due(6)) == 1


def test_the_claims_of_a_command(meter: Meter) -> None:
    _come_online(clock="restored", boot_nonce="f00d")
    command = services.queue_command(
        meter=meter,
        command="payment_mode",
        arguments={"mode": "postpayment"},
        requested_by=None,
        expires_in=datetime.timedelta(hours=1),
        at=START,
    )
    Command.objects.exclude(pk=command.pk).delete()  # its clock would be set first
    (publication,) = _due()
    start = int(START.timestamp())
    assert IDENTITY.read(publication.payload) == {
        "v": 1,
        "kind": "command",
        "sub": DRN,
        "n": 1,
        "iat": start,
        "exp": start + 3600,
        "boot": "f00d",
        "cmd": "payment_mode",
        "args": {"mode": "postpayment"},
    }
    assert publication.topic == topics.down(DRN, PREFIX)
    assert not publication.retain


def test_a_token_never_expires(meter: Meter) -> None:
    _token(meter)
    outbox.expire(at=START + datetime.timedelta(days=4000))
    assert _states() == ["pending"]
    _come_online()
    (publication,) = _due()
    assert "exp" not in IDENTITY.read(publication.payload)
    outbox.expire(at=START + datetime.timedelta(days=4000))
    assert _states() == ["queued"]


def test_set_clock_carries_the_time_of_sending(meter: Meter) -> None:
    _come_online(clock="unset", time=None)
    at = START + datetime.timedelta(seconds=100)
    (publication,) = outbox.commands_due(at=at, limit=1, keys=KeyRing())
    assert IDENTITY.read(publication.payload)["args"] == {"utc": int(at.timestamp())}


def test_numbers_go_on_from_the_meters_own_count(meter: Meter) -> None:
    """After a restore from a backup the head-end must not reuse a number."""
    _come_online(last_n=41)
    _ping(meter)
    assert _due()[0].number == 42


def test_a_message_key_that_is_missing_becomes_a_work_item(meter: Meter) -> None:
    _come_online()
    _ping(meter)
    Meter.objects.update(link_generation=9)
    assert _due() == []
    assert "cannot be signed" in WorkItem.objects.get().summary
    Meter.objects.update(link_generation=1)
    assert _due(1) == []
    assert len(_due(61)) == 1


# --- endings -------------------------------------------------------------------------------------


def test_an_unanswered_command_expires_and_lets_the_next_one_pass(
    meter: Meter, person: User
) -> None:
    _come_online()
    services.queue_command(
        meter=meter,
        command="read",
        arguments={"what": "registers"},
        requested_by=person,
        expires_in=datetime.timedelta(seconds=10),
        at=START,
    )
    _due()
    _token(meter)
    assert outbox.expire(at=START + datetime.timedelta(seconds=20)) == 0  # may be answered yet
    assert outbox.expire(at=START + datetime.timedelta(seconds=41)) == 1
    assert WorkItem.objects.get().kind == "delivery"
    (publication,) = _due(41)
    assert IDENTITY.read(publication.payload)["cmd"] == "token"


def test_calling_back(meter: Meter, person: User) -> None:
    waiting = _ping(meter)
    services.cancel(command=waiting, cancelled_by=person)
    assert waiting.state == "cancelled"
    with pytest.raises(CommandFinished):
        services.cancel(command=waiting, cancelled_by=person)
    _come_online()
    sent = _switch(meter, "connect")
    _due()
    with pytest.raises(CommandSent):
        services.cancel(command=sent, cancelled_by=person)
    services.cancel(command=sent, cancelled_by=person, even_if_sent=True)
    assert sent.state == "cancelled"
    _answer(1, codes.OK)
    sent.refresh_from_db()
    assert sent.state == "accepted"


def test_the_brokers_word_counts_for_the_number_it_was_given(meter: Meter) -> None:
    _come_online()
    _token(meter)
    (old,) = _due()
    _answer(1, codes.BUSY)
    (new,) = _due(60)
    outbox.broker_took(old, at=START)
    assert _states() == ["queued"]
    outbox.broker_took(new, at=START)
    assert _states() == ["published"]


# --- watermarks ----------------------------------------------------------------------------------


def test_a_watermark_is_due_until_the_broker_has_it(meter: Meter) -> None:
    _come_online()
    (publication,) = outbox.watermarks_due(limit=5, keys=KEYS)
    assert publication.retain
    assert publication.topic == topics.stored(DRN, PREFIX)
    claims = IDENTITY.read(publication.payload)
    assert (claims["kind"], claims["boot"], claims["seq"]) == ("stored", 0, 0)
    assert outbox.watermarks_due(limit=5, keys=KEYS, except_links=[publication.link_id]) == []
    MeterLink.objects.filter(meter=meter).update(stored_seq=3)  # it moved meanwhile
    outbox.broker_took(publication, at=START)
    (publication,) = outbox.watermarks_due(limit=5, keys=KEYS)
    outbox.broker_took(publication, at=START)
    assert outbox.watermarks_due(limit=5, keys=KEYS) == []
