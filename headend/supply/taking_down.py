"""Taking a meter down where nobody is served any more: it may hang elsewhere, or is scrapped."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from headend.accounts.models import User
from headend.accounts.services import require
from headend.customers.queries import agreements_in_force
from headend.meters.models import Meter
from headend.meters.services import remove_meter
from headend.supply.errors import FormerClosingOpen
from headend.supply.handover import call_back_orders
from headend.supply.models import Closing
from headend.supply.replacements import locked_meters


@transaction.atomic
def take_down(meter: Meter, *, scrapped: bool, by: User, at: datetime, reason: str) -> Meter:
    """Take down a meter that serves nobody; orders that wait for it are called back.

    What it may still hold keeps it from hanging elsewhere (`meter_credit.require_none`).

    Args:
        meter: one that is installed.
        scrapped: it is never installed again.
        by: who takes it down; needs supply.replace_meter and meters.change_meter.
        at: now.
        reason: why.

    Returns:
        Meter: as it is now.

    Raises:
        FormerClosingOpen: it serves somebody, or the registers of a closed account are still to
            be read there.
        InvalidMeter: it is not installed.
    """
    require(by, "supply.replace_meter")
    kept = locked_meters(meter.pk)[meter.pk]
    running = agreements_in_force().filter(meter=kept).first()
    if running is not None:
        raise FormerClosingOpen(
            f"meter {kept} serves {running.customer}; close that account, or replace the meter"
        )
    unread = Closing.objects.filter(agreement__meter=kept, state=Closing.State.OPEN).first()
    if unread is not None:
        raise FormerClosingOpen(
            f"the registers of meter {kept} are not known to closing {unread}; read them first"
        )
    call_back_orders(kept, at=at)
    remove_meter(kept, scrapped=scrapped, by=by, at=at, reason=reason)
    kept.refresh_from_db(fields=["status"])
    return kept
