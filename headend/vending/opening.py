"""Energy issued by another system before a take-over: the steps continue from there."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config import batches
from headend.customers.models import SupplyAgreement
from headend.tariffs.queries import rules_of, version_in_force
from headend.vending.history import state_at_take_over
from headend.vending.models import OpeningUse


@transaction.atomic
def record_opening_use(
    agreement: SupplyAgreement,
    *,
    as_of: datetime,
    issued_wh: int,
    fees_through: datetime,
    by: User,
    at: datetime,
    source: str = "",
) -> OpeningUse:
    """Keep what was issued, and up to when fees were charged, before the first sale here.

    Args:
        agreement: one that was just opened.
        as_of: when the other system's figures were taken; the energy counts as issued then.
        issued_wh: issued in that month, 0 or more.
        fees_through: the last instant whose month and day were charged.
        by: who takes it over; needs vending.add_openinguse.
        at: now.
        source: the channel it came by.

    Raises:
        NoTariffInForce: its tariff says nothing about now.
    """
    require(by, "vending.add_openinguse")
    rules = batches.remember(
        (rules_of, agreement.tariff_id, at),
        lambda: rules_of(version_in_force(agreement.tariff_id, at=at)),
    )
    opening = OpeningUse(
        agreement=agreement,
        as_of=as_of,
        issued_wh=issued_wh,
        state=state_at_take_over(rules, at=fees_through),
        recorded_at=at,
        recorded_by=by,
    )
    batches.save(opening)
    audit.record(
        actor=by,
        action="vending.record_opening_use",
        target=opening,
        at=at,
        after={"as_of": as_of.isoformat(), "issued_wh": issued_wh, "state": opening.state},
        source=source,
    )
    return opening
