"""Finds customers, and who is served by which meter."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from headend.config import prepared, statements
from headend.customers.errors import NoSupplyAgreement
from headend.customers.models import FormerMeter, SupplyAgreement
from headend.meters.models import Meter


def agreements_in_force() -> QuerySet[SupplyAgreement]:
    """Return the agreements that run, with all they refer to.

    One runs from the act that opens it to the act that ends it, whatever the clock says: if that
    is set back, a closed account stays closed, and who moved in is served.
    """
    return SupplyAgreement.objects.filter(ended_at__isnull=True).select_related(
        "customer", "premises", "meter", "tariff"
    )


def agreement_of(meter: Meter, *, at: datetime) -> SupplyAgreement:
    """Return the agreement that a meter serves.

    Args:
        meter: which.
        at: now, to be named if there is none.

    Raises:
        NoSupplyAgreement: it serves nobody.
    """
    agreement: SupplyAgreement | None = prepared.first(statements.AGREEMENT, meter.pk)
    if agreement is None:
        raise no_agreement(meter, at)
    return agreement


def in_place_of(meter: Meter) -> Meter | None:
    """Return the meter that hangs now where one was replaced last; None: none serves there."""
    former = FormerMeter.objects.filter(meter=meter, agreement__ended_at=None)
    last = former.select_related("agreement__meter").order_by("served_until").last()
    return last.agreement.meter if last else None


def no_agreement(meter: Meter, at: datetime) -> NoSupplyAgreement:
    """Return the error that says that a meter serves nobody, and which one took its place."""
    day = f"{timezone.localtime(at):%Y-%m-%d}"
    successor = in_place_of(meter)
    if successor is not None:
        return NoSupplyAgreement(
            f"meter {meter} has no active supply agreement on {day}: it was replaced by meter "
            f"{successor}; sell for that one"
        )
    return NoSupplyAgreement(
        f"meter {meter} has no active supply agreement on {day}; assign one under Customers"
    )
