"""Queues and cancels commands for people and sales."""

from __future__ import annotations

import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit.services import record
from headend.config import prepared, statements, writing
from headend.fleet import wake
from headend.fleet.delivery import UNFINISHED, UNSENT, Occurrence, State
from headend.fleet.errors import BadCommand, CommandFinished, CommandSent
from headend.fleet.models import Command, MeterLink
from headend.fleet.steps import step
from headend.meters.models import Meter
from shared.wire import commands

# How long an order stays worth executing when its caller says nothing. Credit never expires.
LIFETIMES = {
    commands.PAYMENT_MODE: datetime.timedelta(days=7),
    commands.LOAD_SWITCH: datetime.timedelta(days=7),
    commands.CONFIGURE: datetime.timedelta(days=30),
    commands.READ: datetime.timedelta(hours=1),
    commands.SET_CLOCK: datetime.timedelta(minutes=5),
    commands.PING: datetime.timedelta(minutes=5),
    commands.CLOSE_ACCOUNT: datetime.timedelta(days=30),
    commands.CLEAR_TAMPER: datetime.timedelta(days=7),
    commands.RESET_TRIP: datetime.timedelta(hours=1),
    commands.MESSAGE: datetime.timedelta(days=7),
}

# Who may give an order, where it is not everybody who may command meters.
_PERMISSIONS = {
    commands.PAYMENT_MODE: "fleet.switch_payment_mode",
    commands.CLOSE_ACCOUNT: "fleet.close_account",
}

# Orders of which only the last one asked for matters.
_OPPOSITES = frozenset(
    {commands.PAYMENT_MODE, commands.LOAD_SWITCH, commands.SET_CLOCK, commands.MESSAGE}
)


@transaction.atomic
def queue_token(
    *,
    meter: Meter,
    digits: str,
    requested_by: User | None,
    token_identifier: int | None = None,
    at: datetime.datetime | None = None,
) -> Command:
    """Send a token to its meter; joins the caller's transaction, a sale's for example.

    The same token asked for again is the same command, until it failed.

    Args:
        meter: the meter that it was made for.
        digits: its 20 digits.
        requested_by: who wants it sent; None for the system.
        token_identifier: of the token, if we made it; then "used" counts as accepted, because
            the consumer typed it first.
        at: now, unless told otherwise.

    Raises:
        BadCommand: not 20 digits.
        NotPermitted: the user may not send tokens.
    """
    if requested_by is not None:
        require(requested_by, "fleet.send_token")
    link = lock_link(meter)
    asked = Command.objects.filter(
        meter=meter,
        command=commands.TOKEN,
        arguments={"digits": digits},
        state__in=UNFINISHED | {State.ACCEPTED},
    ).last()
    if asked is not None:
        return asked
    return create(
        link.meter,
        command=commands.TOKEN,
        arguments={"digits": digits},
        token_identifier=token_identifier,
        requested_by=requested_by,
        expires_at=None,
        reason="",
        at=at or timezone.now(),
    )


def queue_new_token(
    *,
    meter: Meter,
    digits: str,
    requested_by: User,
    token_identifier: int | None,
    at: datetime.datetime,
    pk: int | None = None,
) -> Command:
    """Send a token that is only just being made; as `queue_token`, which looks for earlier ones.

    The meter's link need not be held: nobody else knows the token yet.

    Args: as of `queue_token`, and
        pk: id of the command, if it is given already.
    """
    require(requested_by, "fleet.send_token")
    ((has_link,),) = prepared.rows(statements.HAS_LINK, meter.pk)
    if not has_link:
        writing.save(writing.new(MeterLink, meter=meter), unless_there=True)
    return create(
        meter,
        command=commands.TOKEN,
        arguments={"digits": digits},
        token_identifier=token_identifier,
        requested_by=requested_by,
        expires_at=None,
        reason="",
        at=at,
        pk=pk,
    )


@transaction.atomic
def queue_command(
    *,
    meter: Meter,
    command: str,
    arguments: dict[str, Any],
    requested_by: User | None,
    expires_in: datetime.timedelta | None = None,
    reason: str = "",
    at: datetime.datetime | None = None,
) -> Command:
    """Order something of a meter; returns at once, delivery follows.

    An identical command that is still waiting is returned instead of a second one; a waiting
    opposite one (connect after disconnect) is superseded.

    Args:
        meter: who it is for.
        command: a name of `shared.wire.commands`; tokens go by `queue_token`, credit without a
            token by `account_orders.queue_adjust_credit`.
        arguments: as that command takes them.
        requested_by: who wants it; None for the system itself.
        expires_in: how long it stays worth executing; by default as LIFETIMES says.
        reason: why, in the person's words; audited.
        at: now, unless told otherwise.

    Raises:
        BadCommand: the meter would refuse it as malformed.
        NotPermitted: the user may not give this order.
    """
    if command not in LIFETIMES:
        raise BadCommand(f"there is no command {command!r} to queue for meter {meter.drn}")
    if requested_by is not None:
        require(requested_by, _PERMISSIONS.get(command, "fleet.command_meter"))
    now = at or timezone.now()
    link = lock_link(meter)
    waiting = list(
        Command.objects.filter(meter=meter, command=command, state__in=UNSENT).order_by("id")
    )
    for earlier in waiting:
        if earlier.arguments == arguments:
            return earlier
    made = create(
        link.meter,
        command=command,
        arguments=arguments,
        token_identifier=None,
        requested_by=requested_by,
        expires_at=now + (expires_in or LIFETIMES[command]),
        reason=reason,
        at=now,
    )
    for earlier in waiting:
        if _is_opposite(command, earlier.arguments, arguments):
            step(earlier, Occurrence.REPLACED, at=now)
    return made


@transaction.atomic
def cancel(
    *,
    command: Command,
    cancelled_by: User | None,
    even_if_sent: bool = False,
    at: datetime.datetime | None = None,
) -> Command:
    """Call a command back.

    Args:
        command: which one.
        cancelled_by: who wants it; None for the system itself.
        even_if_sent: stop sending it even though the meter may have it; if it answers after
            all, its answer counts.
        at: now, unless told otherwise.

    Raises:
        CommandSent: it was sent and `even_if_sent` is not set.
        CommandFinished: it has ended.
        NotPermitted: the user may not command meters.
    """
    if cancelled_by is not None:
        require(cancelled_by, "fleet.command_meter")
    now = at or timezone.now()
    lock_link(command.meter)
    command.refresh_from_db()
    if command.state not in UNFINISHED:
        raise CommandFinished(
            f"{command.command} to meter {command.meter.drn} has ended: {command.state}"
        )
    if command.state not in UNSENT and not even_if_sent:
        raise CommandSent(
            f"{command.command} may have reached meter {command.meter.drn}; "
            "wait for its answer, or give it up knowingly"
        )
    before = command.state
    step(command, Occurrence.WITHDRAWN, at=now)
    record(
        actor=cancelled_by,
        action="fleet.cancel",
        target=command,
        at=now,
        before={"state": before},
        after={"state": command.state},
    )
    return command


def lock_link(meter: Meter) -> MeterLink:
    """Return the meter's link row, locked until the transaction ends."""
    link = MeterLink.objects.select_for_update().filter(meter=meter).first()
    if link is None:
        MeterLink.objects.get_or_create(meter=meter)
        link = MeterLink.objects.select_for_update().get(meter=meter)
    return link


def create(
    meter: Meter,
    *,
    command: str,
    arguments: dict[str, Any],
    token_identifier: int | None,
    requested_by: User | None,
    expires_at: datetime.datetime | None,
    reason: str,
    at: datetime.datetime,
    approved_by: User | None = None,
    pk: int | None = None,
) -> Command:
    """Write a new order and its audit record, and wake the gateway; whether it may be is decided.

    Args: as the columns of `Command`; `pk` only if it is given already.

    Raises:
        BadCommand: the meter would refuse it as malformed.
    """
    try:
        commands.check_arguments(command, arguments)
    except commands.BadMessage as error:
        raise BadCommand(f"{command} for meter {meter.drn}: {error}") from error
    made = writing.new(
        Command,
        pk=pk,
        meter=meter,
        command=command,
        arguments=arguments,
        token_identifier=token_identifier,
        requested_by=requested_by,
        reason=reason[:200],
        created_at=at,
        expires_at=expires_at,
    )
    writing.save(made)
    told = {} if command == commands.TOKEN else dict(arguments)
    if approved_by is not None:
        told["approved_by"] = approved_by.username
    record(
        actor=requested_by,
        action=f"fleet.{command}",
        target=made,
        at=at,
        after=told,
        reason=reason,
    )
    wake.announce(connection)
    return made


def _is_opposite(command: str, earlier: dict[str, Any], later: dict[str, Any]) -> bool:
    if command in _OPPOSITES:
        return True
    # A later setting of the same things replaces an earlier one.
    return command == commands.CONFIGURE and set(earlier) <= set(later)
