"""Orders about a meter's account: payment mode, closing, credit."""

from __future__ import annotations

import datetime

from django.db import transaction
from django.utils import timezone

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit.services import record
from headend.fleet.errors import BadCommand, NeedsApproval
from headend.fleet.models import Command
from headend.fleet.services import create, lock_link, queue_command
from headend.meters.models import Meter
from shared.wire import commands

# How long an adjustment stays worth executing.
_ADJUSTMENT_LIFETIME = datetime.timedelta(days=30)


@transaction.atomic
def change_payment_mode(
    *,
    meter: Meter,
    payment_mode: str,
    requested_by: User | None,
    reason: str = "",
    at: datetime.datetime | None = None,
) -> Command:
    """Record the intended payment mode of a meter and order it to switch.

    Args:
        meter: who it is for.
        payment_mode: "prepayment" or "postpayment".
        requested_by: who wants it; None for the system itself.
        reason: why, in the person's words.
        at: now, unless told otherwise.

    Raises:
        BadCommand: there is no such mode.
        NotPermitted: the user may not switch payment modes.
    """
    made = queue_command(
        meter=meter,
        command=commands.PAYMENT_MODE,
        arguments={"mode": payment_mode},
        requested_by=requested_by,
        reason=reason,
        at=at,
    )
    before = meter.intended_payment_mode
    meter.intended_payment_mode = payment_mode
    meter.save(update_fields=["intended_payment_mode"])
    record(
        actor=requested_by,
        action="fleet.intend_payment_mode",
        target=meter,
        at=at or timezone.now(),
        before={"intended_payment_mode": before},
        after={"intended_payment_mode": payment_mode},
        reason=reason,
    )
    return made


def queue_close_account(
    *,
    meter: Meter,
    requested_by: User | None,
    reason: str = "",
    at: datetime.datetime | None = None,
) -> Command:
    """Have a meter close its account: it clears its credit and tells what that was.

    The energy stops until new credit arrives or a payment mode is set. Once the command is
    accepted its `detail` holds the closing registers: `energy_wh` and `postpaid_wh`, and
    `cleared_wh`, which goes back to the consumer, or below zero is what they owe for energy used
    on credit. `followers.of` tells when.

    Args:
        meter: who it is for.
        requested_by: who wants it; None for the system itself.
        reason: why, in the person's words; audited.
        at: now, unless told otherwise.

    Raises:
        NotPermitted: the user may not close accounts.
    """
    return queue_command(
        meter=meter,
        command=commands.CLOSE_ACCOUNT,
        arguments={},
        requested_by=requested_by,
        reason=reason,
        at=at,
    )


@transaction.atomic
def queue_adjust_credit(
    *,
    meter: Meter,
    amount_wh: int,
    requested_by: User | None,
    approved_by: User | None,
    reason: str,
    at: datetime.datetime | None = None,
) -> Command:
    """Have a meter add to its credit or take from it, without a token; each call counts.

    Below zero the load switch opens by the meter's own rule. The accepted command's `detail`
    holds `credit_wh` after it.

    Args:
        meter: who it is for.
        amount_wh: what is added; below zero what is taken; within a GWh either way, not 0.
        requested_by: who wants it; None for the system itself, on the strength of what another
            meter has given back.
        approved_by: the second person; None only where `requested_by` is.
        reason: why; audited.
        at: now, unless told otherwise.

    Raises:
        BadCommand: nothing, or more than a meter takes.
        NeedsApproval: a person wants it and nobody else approved it.
        NotPermitted: the user may not adjust credit.
    """
    if requested_by is not None:
        require(requested_by, "fleet.adjust_credit")
        if approved_by is None or approved_by == requested_by:
            raise NeedsApproval(f"credit of meter {meter.drn} is adjusted by two people only")
    if not amount_wh:
        raise BadCommand(f"an adjustment of meter {meter.drn} by nothing changes nothing")
    now = at or timezone.now()
    return create(
        lock_link(meter).meter,
        command=commands.ADJUST_CREDIT,
        arguments={"amount_wh": amount_wh},
        token_identifier=None,
        requested_by=requested_by,
        approved_by=approved_by,
        expires_at=now + _ADJUSTMENT_LIFETIME,
        reason=reason,
        at=now,
    )
