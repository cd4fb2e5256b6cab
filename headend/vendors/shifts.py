"""Shifts: opening with the cash in the drawer, counting it, closing.

A shift that was counted takes no more sales. It is closed by its operator if the cash is right,
and by somebody else if it is not.

The cash in a vendor's drawer is the vendor's own. In one of the utility's it is in the ledger:
what is there at the beginning comes from the safe and all of it goes back there at the end, so
that the drawer's account is what should be in the drawer. Cash of another currency is counted by
itself and goes the same ways in its own currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from django.conf import settings
from django.db import transaction

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config.errors import NotPermitted
from headend.currencies import queries as currencies
from headend.design import figures
from headend.ledger import cash, chart
from headend.ledger import services as ledger
from headend.ledger.models import Entry
from headend.ledger.services import Posting
from headend.vendors import queries, seats
from headend.vendors.errors import ShiftRefused, VendorSuspended
from headend.vendors.models import Operator, OtherCash, Shift, Till, Vendor

LARGEST_CASH_MINOR = 10**13
SHIFT = "shift:"  # what the ledger entries of a drawer refer to


@transaction.atomic
def open_shift(
    *,
    till: Till,
    float_minor: int,
    by: User,
    at: datetime,
    others: Mapping[str, int] = MappingProxyType({}),
) -> Shift:
    """Begin to sell at a till.

    Args:
        till: where; nobody else is at it.
        float_minor: cash in the drawer now, >= 0.
        by: who sells; needs vendors.work_shift and belongs to the till's vendor, or acts for
            the utility at one of its own.
        at: now.
        others: cash in other currencies in the drawer now, in minor units, >= 0; only at the
            utility's own tills.

    Raises:
        ShiftRefused: somebody has a shift there, the operator has one, or the cash is below 0.
        SafeTooLow: at the utility's own till, and the safe does not hold as much: an account
            below zero would say that there is cash which nobody ever had.
        VendorSuspended: the vendor, the till or the operator is.
        NotPermitted: not a till of the operator's vendor.
    """
    require(by, "vendors.work_shift")
    operator = Operator.objects.select_related("vendor").filter(user=by).first()
    vendor = operator.vendor if operator else None
    if vendor is None:
        require(by, seats.ACT_FOR_UTILITY)
    if till.vendor != vendor:
        raise NotPermitted(f"{by} does not sell at {till}")
    # Openings at a till come one after the other.
    till = Till.objects.select_for_update(no_key=True).get(pk=till.pk)
    if operator is not None and not (
        operator.is_active and operator.vendor.status == Vendor.ACTIVE
    ):
        raise VendorSuspended(f"{vendor} or {by} is suspended")
    if not till.is_active:
        raise VendorSuspended(f"till {till} is suspended")
    _require_cash(float_minor, *others.values())
    if vendor is not None and any(others.values()):
        raise ShiftRefused(f"{vendor} sells in {vendor.currency} only; count no other cash")
    running = Shift.objects.exclude(state=Shift.CLOSED).select_related("user", "till")
    there = running.filter(till=till).first() or running.filter(user=by).first()
    if there is not None:
        raise ShiftRefused(f"the shift of {there} is still {there.state}; close it first")
    shift = Shift.objects.create(
        user=by, till=till, vendor=vendor, opened_at=at, float_minor=float_minor
    )
    told: dict[str, int | str | None] = {"till": till.name, "float_minor": float_minor}
    what = "Cash into the drawer"
    # In one order, so that nobody waits for somebody who waits for them.
    for currency, minor in [(shift.currency, float_minor), *sorted(others.items())]:
        if not minor:
            continue
        if vendor is None:
            cash.require(chart.CASH_IN_SAFE, minor, currency)
        _move(shift, at, what, {chart.CASH_IN_SAFE: -minor}, currency)
        if currency != shift.currency:
            OtherCash.objects.create(shift=shift, currency=currency, float_minor=minor)
            told[f"float_minor_{currency}"] = minor
    _record(shift, "open_shift", by, at, told)
    return shift


@transaction.atomic
def cash_up(
    shift: Shift,
    *,
    counted_minor: int,
    by: User,
    at: datetime,
    others: Mapping[str, int] = MappingProxyType({}),
) -> Shift:
    """Count the drawer: no more sales in this shift. It may be counted again until it is closed.

    Args:
        shift: one's own.
        counted_minor: cash in the drawer, >= 0.
        by: its operator; needs vendors.work_shift.
        at: now.
        others: cash in other currencies, in minor units, >= 0: of each that the drawer had or
            took, and of any that is found besides.

    Raises:
        ShiftRefused: it is closed, the cash is below 0, or a currency was not counted.
        NotPermitted: it is somebody else's.
    """
    require(by, "vendors.work_shift")
    shift = _locked(shift)
    if shift.user_id != by.pk:
        raise NotPermitted("the operator whose shift it is counts the cash")
    if shift.state == Shift.CLOSED:
        raise ShiftRefused(f"the shift of {shift} is closed already")
    _require_cash(counted_minor, *others.values())
    counted = _count_others(shift, others)
    shift.state, shift.counted_minor, shift.counted_at = Shift.COUNTED, counted_minor, at
    shift.save()
    told = {"counted_minor": counted_minor, "expected_minor": shift.expected_minor} | counted
    _record(shift, "cash_up", by, at, told)
    return shift


@transaction.atomic
def close(shift: Shift, *, by: User, at: datetime, note: str = "") -> Shift:
    """End a counted shift for good.

    Args:
        shift: one's own if the cash is right; else somebody else closes it.
        by: needs vendors.work_shift for the own one, else vendors.close_any_shift.
        at: now.
        note: why the cash differs; needed if it does.

    Raises:
        ShiftRefused: it was not counted, is closed, or the difference is not explained.
        NotPermitted: not one's own shift, or one's own with a difference.
    """
    shift = _locked(shift)
    is_own = shift.user_id == by.pk
    if queries.vendor_of(by) != shift.vendor:
        raise NotPermitted(
            f"a shift of {shift.vendor or 'the utility'} is closed by its own people"
        )
    if shift.vendor is None:
        require(by, seats.ACT_FOR_UTILITY)
    require(by, "vendors.work_shift" if is_own else "vendors.close_any_shift")
    if shift.state != Shift.COUNTED:
        raise ShiftRefused(f"the shift of {shift} is {shift.state}; only a counted one is closed")
    drawer: list[Shift | OtherCash] = [shift, *shift.others.all()]
    differences = [one for one in drawer if one.difference_minor]
    if differences:
        difference = " and ".join(
            figures.money(one.difference_minor or 0, currency=one.currency) for one in differences
        )
        if is_own:
            raise NotPermitted(f"the cash differs by {difference}; a manager has to close")
        if not note.strip():
            raise ShiftRefused(f"the cash differs by {difference}; say why")
    shift.state, shift.closed_at, shift.closed_by = Shift.CLOSED, at, by
    shift.note = note.strip()[:300]
    shift.save()
    told: dict[str, int | str | None] = {
        "sold_minor": shift.sold_minor,
        "paid_out_minor": shift.paid_out_minor,
        "difference_minor": shift.difference_minor,
    }
    for one in drawer:
        counted_minor, difference_minor = one.counted_minor or 0, one.difference_minor or 0
        out = {chart.CASH_IN_SAFE: counted_minor, chart.CASH_DIFFERENCES: -difference_minor}
        _move(shift, at, "Cash out of the drawer", out, one.currency)
        if one is not shift:
            told[f"sold_minor_{one.currency}"] = one.sold_minor
            told[f"paid_out_minor_{one.currency}"] = one.paid_out_minor
            told[f"difference_minor_{one.currency}"] = difference_minor
    _record(shift, "close_shift", by, at, told, reason=shift.note)
    return shift


@transaction.atomic
def fill_safe(
    *, amount_minor: int, by: User, at: datetime, reason: str, currency: str = ""
) -> Entry:
    """Enter cash that was fetched from the bank for the utility's safe, where floats come from.

    Args:
        amount_minor: in minor units of its currency, > 0.
        by: who fetched it; needs vendors.fill_safe, and acts for the utility.
        at: now.
        reason: what it is for.
        currency: one that the utility accepts; empty: the base one.

    Raises:
        ShiftRefused: it is nothing, more than anybody carries, or of a currency that nobody takes.
    """
    require(by, "vendors.fill_safe")
    require(by, seats.ACT_FOR_UTILITY)
    if not 0 < amount_minor <= LARGEST_CASH_MINOR:
        raise ShiftRefused("cash that is fetched must be more than zero")
    currency = currency or settings.BASE_CURRENCY
    if currency != settings.BASE_CURRENCY and currency not in currencies.accepted_codes():
        raise ShiftRefused(f"the utility takes no {currency}; accept it under Currencies first")
    entry = ledger.post(
        at=at,
        description=f"Cash from the bank into the safe: {by}"[:200],
        reference=f"safe:{at:%Y%m%d%H%M%S}",
        postings=[
            Posting(chart.CASH_IN_SAFE, amount_minor, currency),
            Posting(chart.BANK, -amount_minor, currency),
        ],
    )
    told = {"amount_minor": amount_minor, "currency": currency}
    audit.record(
        actor=by, action="vendors.fill_safe", target=entry, at=at, after=told, reason=reason
    )
    return entry


def _count_others(shift: Shift, counted: Mapping[str, int]) -> dict[str, int]:
    """Keep what was counted in other currencies; return it for the record."""
    there = {one.currency: one for one in shift.others.all()}
    left_out = sorted(there.keys() - counted.keys())
    if left_out:
        raise ShiftRefused(f"the drawer had {', '.join(left_out)} too; count each currency")
    told = {}
    for currency, minor in counted.items():
        one = there.get(currency)
        if one is None and not minor:
            continue
        one = one or OtherCash(shift=shift, currency=currency)
        one.counted_minor = minor
        one.save()
        told[f"counted_minor_{currency}"] = minor
        told[f"expected_minor_{currency}"] = one.expected_minor
    return told


def _move(shift: Shift, at: datetime, what: str, others: Mapping[str, int], currency: str) -> None:
    """Enter money that moves between the drawer of a utility's own till and other accounts."""
    if shift.vendor is not None or not any(others.values()):
        return
    ledger.post(
        at=at,
        description=f"{what}: {shift.user} at {shift.till}"[:200],
        reference=f"{SHIFT}{shift.pk}",
        postings=[
            Posting(chart.drawer_account(shift.till_id), -sum(others.values()), currency),
            *(Posting(account, minor, currency) for account, minor in others.items()),
        ],
    )


def _locked(shift: Shift) -> Shift:
    """Return a shift as it is, after the sales that are just being made in it."""
    rows = Shift.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("user", "till", "vendor").get(pk=shift.pk)


def _require_cash(*amounts_minor: int) -> None:
    if not all(0 <= minor <= LARGEST_CASH_MINOR for minor in amounts_minor):
        raise ShiftRefused("cash in a drawer must not be negative")


def _record(
    shift: Shift,
    verb: str,
    by: User,
    at: datetime,
    told: Mapping[str, int | str | None],
    *,
    reason: str = "",
) -> None:
    audit.record(
        actor=by, action=f"vendors.{verb}", target=shift, at=at, after=told, reason=reason
    )
