"""Adds a vendor with a history to the demonstration: contract, credit, tills, sales."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from headend.accounts import approvals
from headend.accounts.models import User
from headend.meters.models import Meter
from headend.vending.services import vend
from headend.vendors import acts, services, shifts
from headend.vendors.models import Contract, Till, Vendor
from headend.vendors.services import Terms

NAME = "Riverside Spaza"
_TERMS = Terms(
    kind=Contract.Kind.DISCOUNT,
    percent=Decimal(3),
    credit_limit_minor=500_00,
    largest_sale_minor=2_000_00,
)
_PAID_MINOR = 1940_00  # buys 2000.00
_FLOAT_MINOR = 200_00
_YESTERDAY_MINOR = (50_00, 100_00, 20_00)  # the sales of the shift that was closed
_TODAY_MINOR = (30_00, 150_00)
_SHORT_MINOR = 5_00


def seed_vendor(
    *,
    meter: Meter,
    manager: User,
    cashier: User,
    approver: User,
    by: User,
    began: datetime,
    at: datetime,
) -> Vendor:
    """Take a vendor on and have it sell until now; an hour or so of work is packed between.

    Args:
        meter: whose customer buys there.
        manager: of the vendor; asks for its credit.
        cashier: of the vendor; has one shift closed and one open.
        approver: sees to the credit.
        by: who takes the vendor on.
        began: when; the tariff, the meter's agreement and its keys are there since.
        at: now.
    """
    moments = _moments(began, at)
    vendor = services.register_vendor(
        name=NAME,
        tax_number="4650123456",
        phone="+27 84 555 0103",
        email="office@riverside-spaza.example",
        by=by,
        at=began,
    )
    services.agree_contract(vendor, _TERMS, by=by, at=began)
    vendor.refresh_from_db()
    till = services.add_till(vendor, name="Counter 1", by=by, at=began)
    services.add_till(vendor, name="Counter 2", by=by, at=began)
    for user in (manager, cashier):
        services.add_operator(vendor, user, by=by, at=began)
    request = acts.request_purchase(
        vendor, paid_minor=_PAID_MINOR, payment_reference="EFT 20417", by=manager, at=next(moments)
    )
    approvals.approve(request, approver, next(moments))
    _sell(_YESTERDAY_MINOR, till, meter, cashier, moments, "yesterday")
    shift = cashier.shifts.get()
    counted_minor = shift.expected_minor - _SHORT_MINOR
    shift = shifts.cash_up(shift, counted_minor=counted_minor, by=cashier, at=next(moments))
    shifts.close(shift, by=manager, at=next(moments), note="Gave change twice; talked it over")
    _sell(_TODAY_MINOR, till, meter, cashier, moments, "today")
    return vendor


def _sell(
    tenders_minor: tuple[int, ...],
    till: Till,
    meter: Meter,
    cashier: User,
    moments: Iterator[datetime],
    name: str,
) -> None:
    """Open a shift and sell in it."""
    shifts.open_shift(till=till, float_minor=_FLOAT_MINOR, by=cashier, at=next(moments))
    for number, tender_minor in enumerate(tenders_minor):
        vend(
            caller=f"user:{cashier.pk}",
            message_id=f"demonstration-{name}-{number}",
            meter=meter,
            tender_minor=tender_minor,
            operator=cashier,
            at=next(moments),
        )


def _moments(began: datetime, at: datetime) -> Iterator[datetime]:
    """Yield instants from then until now: yesterday's go by quickly, then it is today."""
    acts_of_a_day = 8
    step = min((at - began) / (2 * acts_of_a_day + 1), timedelta(minutes=25))
    for start in (began, max(at - (acts_of_a_day - 3) * step, began + acts_of_a_day * step)):
        for number in range(1, acts_of_a_day + 1):
            yield start + number * step
