"""Programmes of free electricity: their monthly amounts and who is enrolled.

`headend.vending.free_electricity` gives it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from headend.accounts import approvals
from headend.accounts.models import Approval, User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config import batches
from headend.customers.models import Customer, Premises
from headend.securitymodule.tokens import Credit
from headend.vending.errors import InvalidFreeProgramme
from headend.vending.free_electricity import month_of
from headend.vending.models import FreeAmount, FreeEnrolment, FreeGrant, FreeProgramme

REGISTER = "vending.register_free_amount"
MOST_WH = 1_000_000
_WH_PER_UNIT = 100


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


def requests_waiting() -> QuerySet[Approval]:
    """Return the amounts that nobody has decided on yet, the oldest request first."""
    found = Approval.objects.filter(act=REGISTER, state=Approval.OPEN)
    return found.select_related("requested_by").order_by("requested_at", "pk")


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
            enrolment = FreeEnrolment(
                programme=programme,
                customer=customer,
                premises=premises,
                from_month=from_month.replace(day=1),
                enrolled_at=at,
                enrolled_by=by,
            )
            batches.save(enrolment)
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
    can_end = enrolment.until_month is None and enrolment.from_month <= until_month
    if not can_end or not batches.change(enrolment, until_month=until_month):
        raise InvalidFreeProgramme("this enrolment has ended already or begins later")
    audit.record(
        actor=by,
        action="vending.end_free_enrolment",
        target=enrolment,
        at=at,
        after={"until_month": f"{until_month:%Y-%m}"},
        reason=reason,
        source=source,
    )
