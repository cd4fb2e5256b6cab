"""Free basic electricity: a token without a price, once a month, for who is enrolled.

It comes with the month's first purchase, as a token of its own after what was paid for, or on
request. Its units count for the purchases that follow, not for the one it comes with. No money
moves, so the ledger knows nothing of it; what was given is reported in kWh.

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

from headend.accounts import approvals
from headend.accounts.models import Approval, User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config import prepared, statements
from headend.customers.models import Customer, Premises, SupplyAgreement
from headend.customers.queries import agreement_of
from headend.meters.models import Meter
from headend.securitymodule.services import refusals_recorded
from headend.securitymodule.tokens import Credit
from headend.vending.errors import (
    InvalidFreeProgramme,
    MeterNotInstalled,
    NoFreeElectricity,
)
from headend.vending.issuing import issue
from headend.vending.models import (
    FreeAmount,
    FreeEnrolment,
    FreeGrant,
    FreeProgramme,
    Sale,
)

REGISTER = "vending.register_free_amount"
MOST_WH = 1_000_000
_WH_PER_UNIT = 100
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


# --- programmes ----------------------------------------------------------------------------------


def request_amount(
    *,
    code: str,
    title: str,
    from_month: date,
    energy_wh: int,
    by: User,
    at: datetime,
    reason: str,
) -> Approval:
    """Ask for what a programme gives from a month on; a new code begins a programme.

    Args:
        code: short name of the programme, 1..30 characters.
        title: what receipts call its tokens, 1..60 characters; as it is for a known code.
        from_month: any day of the first month, the present one or later.
        energy_wh: each month, in steps of 100; 0 ends the programme.
        by: who asks; needs vending.register_free_programme.
        at: now.
        reason: why.

    Raises:
        InvalidFreeProgramme: it can't be registered so.
    """
    amount = {
        "code": code.strip(),
        "title": title.strip(),
        "from_month": from_month.replace(day=1).isoformat(),
        "energy_wh": energy_wh,
    }
    _check_amount(amount, at)
    gives = f"{energy_wh / 1000:g} kWh a month" if energy_wh else "nothing any more"
    summary = f"{amount['title']} ({amount['code']}) gives {gives} from {from_month:%Y-%m}"
    return approvals.request(REGISTER, amount, by, at, reason, summary)


@approvals.act(
    REGISTER,
    title="Free electricity: a programme's amount",
    permission="vending.register_free_programme",
    approve_permission="vending.approve_free_programme",
)
def register_amount(
    *, arguments: dict[str, Any], by: User, approved_by: User, at: datetime
) -> FreeAmount:
    """Register what was asked for, unless its first month has passed or was given from."""
    _check_amount(arguments, at)
    programme, _ = FreeProgramme.objects.get_or_create(
        code=arguments["code"], defaults={"title": arguments["title"]}
    )
    amount = FreeAmount.objects.create(
        programme=programme,
        from_month=date.fromisoformat(arguments["from_month"]),
        energy_wh=arguments["energy_wh"],
        registered_at=at,
        requested_by=by,
        approved_by=approved_by,
    )
    audit.record(actor=by, action=REGISTER, target=amount, at=at, after=arguments)
    return amount


def _check_amount(amount: dict[str, Any], at: datetime) -> None:
    code, from_month = amount["code"], date.fromisoformat(amount["from_month"])
    energy_wh = amount["energy_wh"]
    if not 0 < len(code) <= 30 or not 0 < len(amount["title"]) <= 60:
        raise InvalidFreeProgramme("a programme has a code and a title, of 30 and 60 characters")
    if not 0 <= energy_wh <= MOST_WH or energy_wh % _WH_PER_UNIT:
        raise InvalidFreeProgramme(
            f"a month gives 0 to {MOST_WH // 1000} kWh, in steps of {_WH_PER_UNIT / 1000} kWh"
        )
    if energy_wh and Credit.of_energy(energy_wh).units * _WH_PER_UNIT != energy_wh:
        raise InvalidFreeProgramme("no token carries exactly that; take a rounder amount")
    if from_month < month_of(at):
        raise InvalidFreeProgramme(f"{from_month:%Y-%m} has passed; begin with this month")
    later = FreeAmount.objects.filter(programme__code=code, from_month__gte=from_month).last()
    if later is not None:
        raise InvalidFreeProgramme(f"there is an amount already: {later}; begin after it")
    if FreeGrant.objects.filter(enrolment__programme__code=code, month__gte=from_month).exists():
        raise InvalidFreeProgramme(
            f"{from_month:%Y-%m} was given from already; begin with the next month"
        )


# --- enrolments ----------------------------------------------------------------------------------


@transaction.atomic
def enrol(
    *,
    programme: FreeProgramme,
    customer: Customer,
    premises: Premises,
    from_month: date,
    by: User,
    at: datetime,
    source: str = "",
) -> FreeEnrolment:
    """Let a customer at a premises take part in a programme.

    Args:
        programme: which.
        customer: who.
        premises: where they are supplied; the enrolment ends by itself when they are not.
        from_month: any day of the first month.
        by: who decides; needs vending.add_freeenrolment.
        at: now.
        source: the channel it came by.

    Raises:
        InvalidFreeProgramme: they take part in one there already.
    """
    require(by, "vending.add_freeenrolment")
    try:
        with transaction.atomic():
            enrolment = FreeEnrolment.objects.create(
                programme=programme,
                customer=customer,
                premises=premises,
                from_month=from_month.replace(day=1),
                enrolled_at=at,
                enrolled_by=by,
            )
    except IntegrityError:
        raise InvalidFreeProgramme(
            f"{customer} at {premises} is enrolled already; end that enrolment first"
        ) from None
    audit.record(
        actor=by,
        action="vending.enrol_free",
        target=enrolment,
        at=at,
        after={"programme": programme.code, "from_month": f"{enrolment.from_month:%Y-%m}"},
        source=source,
    )
    return enrolment


@transaction.atomic
def end_enrolment(
    enrolment: FreeEnrolment,
    *,
    until_month: date,
    by: User,
    at: datetime,
    reason: str,
    source: str = "",
) -> None:
    """End an enrolment: a month and those after it give nothing.

    Args:
        enrolment: an open one.
        until_month: any day of the first month without.
        by: who decides; needs vending.change_freeenrolment.
        at: now.
        reason: why.
        source: the channel it came by.

    Raises:
        InvalidFreeProgramme: it has ended already, or would before it began.
    """
    require(by, "vending.change_freeenrolment")
    until_month = until_month.replace(day=1)
    ended = FreeEnrolment.objects.filter(
        pk=enrolment.pk, until_month=None, from_month__lte=until_month
    ).update(until_month=until_month)
    if not ended:
        raise InvalidFreeProgramme("this enrolment has ended already or begins later")
    enrolment.until_month = until_month
    audit.record(
        actor=by,
        action="vending.end_free_enrolment",
        target=enrolment,
        at=at,
        after={"until_month": f"{until_month:%Y-%m}"},
        reason=reason,
        source=source,
    )
