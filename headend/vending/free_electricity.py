"""Free basic electricity: a token at no charge, once a month, for customers who are enrolled.

It comes with the month's first purchase, as a token of its own after what was paid for, or on
request. Its units count for the purchases that follow, not for the one it comes with. No money
moves, so the ledger has nothing of it; what was given is reported in kWh.

Once a month for a customer and once for a premises: the database refuses a second grant, whatever
meter or agreement it would be for. A reversal of the purchase leaves it as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config import prepared, statements
from headend.customers.models import SupplyAgreement
from headend.customers.queries import agreement_of, agreements_in_force
from headend.meters.models import Meter
from headend.securitymodule.services import refusals_recorded
from headend.securitymodule.tokens import Credit
from headend.vending.errors import (
    MeterNotInstalled,
    NoFreeElectricity,
)
from headend.vending.issuing import issue
from headend.vending.models import (
    FreeAmount,
    FreeEnrolment,
    FreeGrant,
    Sale,
)

# Of an enrolment: whether its customer has an account at its premises now.
IS_SUPPLIED = Exists(
    agreements_in_force().filter(customer=OuterRef("customer"), premises=OuterRef("premises"))
)
_POSITION = 9  # after a new key's tokens, if there are any, and the one that was paid for


@dataclass(frozen=True)
class Entitlement:
    """What a month still gives somebody."""

    enrolment: FreeEnrolment
    month: date
    energy_wh: int

    @property
    def title(self) -> str:
        """What its token is called: ``Free basic electricity 2026-11``."""
        return f"{self.enrolment.programme.title} {self.month:%Y-%m}"


def month_of(at: datetime) -> date:
    """Return the first day of an instant's month in the utility's time zone."""
    return timezone.localdate(at).replace(day=1)


def due(agreement: SupplyAgreement, *, at: datetime) -> Entitlement | None:
    """Return what an agreement's customer at its premises may still be given this month."""
    month = month_of(at)
    given = FreeGrant.objects.filter(
        Q(customer=OuterRef("customer")) | Q(premises=OuterRef("premises")), month=month
    )
    enrolment = (
        enrolled(month)
        .filter(
            ~Exists(given), customer_id=agreement.customer_id, premises_id=agreement.premises_id
        )
        .first()
    )
    if enrolment is None:
        return None
    return Entitlement(enrolment, month, enrolment.energy_wh)


def enrolled(month: date) -> QuerySet[Any]:
    """Return the enrolments that a month gives something, each with its `energy_wh`."""
    amounts = FreeAmount.objects.filter(programme=OuterRef("programme"), from_month__lte=month)
    energy_wh = Subquery(amounts.order_by("-from_month").values("energy_wh")[:1])
    return (
        FreeEnrolment.objects.filter(
            Q(until_month=None) | Q(until_month__gt=month), from_month__lte=month
        )
        .annotate(energy_wh=energy_wh)
        .filter(energy_wh__gt=0)
        .select_related("programme")
        .order_by("pk")
    )


def is_enrolled(agreement: SupplyAgreement) -> bool:
    """Say whether an agreement's customer at its premises is, or was, given free electricity."""
    owner = (agreement.customer_id, agreement.premises_id)
    ((found,),) = prepared.rows(statements.IS_ENROLLED, *owner)
    return bool(found)


def grant_with_purchase(sale: Sale, *, by: User, at: datetime) -> FreeGrant | None:
    """Add the month's free token to a sale if none was given yet; call it in its transaction.

    Args:
        sale: the new one; its agreement and meter are those that were locked.
        by: who sells.
        at: the time of sale.
    """
    entitlement = due(sale.agreement, at=at)
    return _grant(sale.agreement, entitlement, by, at, sale=sale) if entitlement else None


def grant(*, meter: Meter, by: User, at: datetime, source: str = "") -> FreeGrant:
    """Give a month's free electricity without a purchase.

    Asked again in the same month, it is the same grant: its token is shown once more, which is
    put on the record.

    Args:
        meter: whose agreement.
        by: who gives it; needs vending.grant_free_electricity.
        at: now.
        source: the channel it was asked for by.

    Raises:
        NoSupplyAgreement: the meter serves nobody.
        NoFreeElectricity: there is nothing to give this month.
        MeterNotInstalled: the meter is not in use.
        KeyRefused: its key can't be used.
    """
    require(by, "vending.grant_free_electricity")
    with refusals_recorded(by=by, at=at), transaction.atomic():
        meter = Meter.objects.select_for_update().get(pk=meter.pk)
        agreement = agreement_of(meter, at=at)
        entitlement = due(agreement, at=at)
        if entitlement is not None:
            if meter.status != Meter.Status.INSTALLED:
                raise MeterNotInstalled(f"meter {meter} is {meter.status}; install it first")
            made = _grant(agreement, entitlement, by, at, source=source)
            if made is not None:
                return made
        earlier = given_this_month(agreement, at=at)
        if earlier is None:
            raise NoFreeElectricity(_why_nothing(agreement, at))
        audit.record(
            actor=by,
            action="vending.show_free_electricity",
            target=earlier,
            at=at,
            source=source,
        )
        return earlier


def given_this_month(agreement: SupplyAgreement, *, at: datetime) -> FreeGrant | None:
    """Return the month's grant under an agreement, if it was given."""
    return (
        FreeGrant.objects.filter(agreement=agreement, month=month_of(at))
        .select_related("token", "enrolment__programme")
        .first()
    )


def _grant(
    agreement: SupplyAgreement,
    entitlement: Entitlement,
    by: User,
    at: datetime,
    *,
    sale: Sale | None = None,
    source: str = "",
) -> FreeGrant | None:
    """Make the token and note it; None if another meter of theirs was given it just now."""
    try:
        with transaction.atomic():
            token = issue(
                meter=agreement.meter,
                content=Credit.of_energy(entitlement.energy_wh),
                purpose=entitlement.title,
                by=by,
                at=at,
                source=source,
                sale=sale,
                position=_POSITION if sale else 0,
            )
            made = FreeGrant.objects.create(
                enrolment=entitlement.enrolment,
                agreement=agreement,
                customer_id=agreement.customer_id,
                premises_id=agreement.premises_id,
                month=entitlement.month,
                energy_wh=entitlement.energy_wh,
                token=token,
                granted_at=at,
                granted_by=by,
            )
    except IntegrityError:
        return None
    audit.record(
        actor=by,
        action="vending.grant_free_electricity",
        target=made,
        at=at,
        after={
            "meter": agreement.meter.drn,
            "month": f"{entitlement.month:%Y-%m}",
            "energy_wh": entitlement.energy_wh,
            "receipt_number": sale.receipt_number if sale else None,
        },
        source=source,
    )
    return made


def _why_nothing(agreement: SupplyAgreement, at: datetime) -> str:
    month = month_of(at)
    elsewhere = FreeGrant.objects.filter(
        Q(customer=agreement.customer_id) | Q(premises=agreement.premises_id), month=month
    ).first()
    if elsewhere is not None:
        return (
            f"the free electricity of {month:%Y-%m} was given on "
            f"{timezone.localdate(elsewhere.granted_at)} to {elsewhere.agreement}; "
            "a customer and a premises have it once a month"
        )
    return (
        f"{agreement.customer} at {agreement.premises} is enrolled in no programme that gives "
        f"free electricity in {month:%Y-%m}; enrol them under Free electricity"
    )
