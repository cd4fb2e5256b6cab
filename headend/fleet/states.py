"""Takes meters' states, and acts on what they say."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from headend.announcements.services import announce
from headend.customers.models import SupplyAgreement
from headend.customers.queries import agreements_in_force
from headend.fleet import low_credit
from headend.fleet.delivery import IN_DELIVERY, UNFINISHED, State, resend_delay
from headend.fleet.models import Command, MeterLink, MeterState
from headend.fleet.services import queue_command
from headend.meters.models import Meter
from headend.notifications.services import notify
from shared.wire import codes, commands

# A command that went out this recently is still on its way, not missing.
_ON_ITS_WAY = datetime.timedelta(seconds=5)
_CLOCK_TOLERANCE_S = 60
# How long a refused or unanswered order of our own is left before it is tried anew.
_PAUSE = {commands.SET_CLOCK: datetime.timedelta(minutes=10)}
_ENVELOPE = ("v", "kind", "sub")
_LONG_PAUSE = datetime.timedelta(days=1)

Watcher = Callable[[Meter, MeterState, datetime.datetime], None]
_watchers: list[Watcher] = []


def on_state(watcher: Watcher) -> Watcher:
    """Have a function of a higher capability called with each newer state of a meter.

    It is called in the transaction that stores the state, with the meter's link locked. What it
    does besides looking at its arguments belongs into `transaction.on_commit`.
    """
    _watchers.append(watcher)
    return watcher


def take_state(
    meter: Meter, link: MeterLink, claims: dict[str, Any], *, at: datetime.datetime, is_live: bool
) -> None:
    """Store the latest state; an older one, which the broker may have kept, changes nothing.

    Args:
        meter: whose.
        link: its link, locked.
        claims: a checked state.
        at: when it came.
        is_live: the meter sent it just now; False if the broker kept it from earlier.
    """
    state = MeterState.objects.filter(meter=meter).first()
    if is_live:
        link.boot = claims["boot"]
        _resend_missing(link, at=at)
        if tuple(claims["last"]) > (link.stored_boot, link.stored_seq):
            link.watermark_due = True  # tells the meter what to send again
    if state is not None and (claims["boot"], claims["revision"]) <= (state.boot, state.revision):
        return
    state = _keep(meter, claims, at=at)
    for watcher in _watchers:
        watcher(meter, state, at)
    agreement = agreements_in_force().filter(meter=meter).first()
    if agreement is not None:
        _judge_credit(link, state, agreement, at=at)
        _set_warning(state, agreement, at=at)
    if is_live:
        _set_clock(state, claims["time"], at=at)


def _keep(meter: Meter, claims: dict[str, Any], *, at: datetime.datetime) -> MeterState:
    state, _ = MeterState.objects.update_or_create(
        meter=meter,
        defaults={
            "received_at": at,
            "boot": claims["boot"],
            "revision": claims["revision"],
            "boot_nonce": claims["boot_nonce"][:64],
            "clock_quality": claims["clock"],
            "payment_mode": claims["payment_mode"],
            "account_status": claims["account_status"],
            "credit_wh": claims["credit_wh"],
            "relay_closed": claims["load_closed"],
            "open_reasons": claims["open_reasons"],
            "last_boot": claims["last"][0],
            "last_seq": claims["last"][1],
            "last_command_number": claims["last_n"],
            "content": {name: value for name, value in claims.items() if name not in _ENVELOPE},
        },
    )
    return state


def _resend_missing(link: MeterLink, *, at: datetime.datetime) -> None:
    """Send an unanswered command again to a meter that has just shown that it listens.

    Whether the command or its answer was lost, the same bytes bring the answer.
    """
    command = Command.objects.filter(meter_id=link.meter_id, state__in=IN_DELIVERY).first()
    if command is None or command.next_attempt_at is None or not command.publications:
        return
    published = command.next_attempt_at - resend_delay(command.publications)
    if at - published >= _ON_ITS_WAY:
        command.next_attempt_at = at
        command.save(update_fields=["next_attempt_at"])


def _judge_credit(
    link: MeterLink, state: MeterState, agreement: SupplyAgreement, *, at: datetime.datetime
) -> None:
    """Tell the customer of low credit, once per drop."""
    if state.account_status == codes.ACCOUNT_CLOSED:
        return  # nobody is left to warn
    verdict = low_credit.judge(
        told=link.low_credit_told and link.low_credit_agreement_id == agreement.pk,
        payment_mode=state.payment_mode,
        credit_wh=state.credit_wh,
        threshold_wh=agreement.low_credit_threshold_wh,
    )
    link.low_credit_told = verdict.told
    link.low_credit_agreement_id = agreement.pk
    if not verdict.tell_now:
        return
    link.low_credit_drops += 1
    facts = {
        "meter": state.meter.drn,
        "credit_wh": state.credit_wh,
        "threshold_wh": agreement.low_credit_threshold_wh,
    }
    announce("fleet.low_credit", agreement.pk, at=at, facts=facts)
    notify(
        kind="low_credit",
        key=f"low_credit {link.meter_id} {link.low_credit_drops}",
        recipient=agreement.customer.name,
        phone=agreement.customer.phone,
        email=agreement.customer.email,
        subject="Electricity credit is low",
        body=low_credit.message(drn=state.meter.drn, credit_wh=state.credit_wh),
        at=at,
    )


def _set_warning(state: MeterState, agreement: SupplyAgreement, *, at: datetime.datetime) -> None:
    """Configure the meter's own warning to the customer's threshold."""
    wanted = agreement.low_credit_threshold_wh
    if state.content["low_credit_wh"] == wanted:
        return
    arguments = {
        "low_credit_wh": wanted,
        "low_credit_hysteresis_wh": low_credit.hysteresis_wh(wanted),
    }
    _order(state.meter, commands.CONFIGURE, arguments, at=at)


def _set_clock(state: MeterState, meter_time: int | None, *, at: datetime.datetime) -> None:
    """Have a clock set that is unset, only restored, or wrong; a simulated one is left alone."""
    if state.clock_quality == "simulated":
        return
    now = int(at.timestamp())
    if state.clock_quality == "set" and abs((meter_time or 0) - now) <= _CLOCK_TOLERANCE_S:
        return
    # The time itself is filled in when the command is numbered.
    _order(state.meter, commands.SET_CLOCK, {"utc": now}, at=at)


def _order(
    meter: Meter, command: str, arguments: dict[str, int], *, at: datetime.datetime
) -> None:
    """Order something on our own account, unless it is on its way or was tried just now."""
    earlier = Command.objects.filter(meter=meter, command=command, requested_by=None)
    if command != commands.SET_CLOCK:
        earlier = earlier.filter(arguments=arguments)
    last = earlier.last()
    if last is not None:
        if last.state in UNFINISHED:
            return
        tried_at = last.finished_at or last.created_at
        pause = _PAUSE.get(command, _LONG_PAUSE)
        if last.state in (State.REJECTED, State.EXPIRED) and at - tried_at < pause:
            return
    queue_command(meter=meter, command=command, arguments=arguments, requested_by=None, at=at)
