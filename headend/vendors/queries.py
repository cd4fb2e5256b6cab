"""Who may see what about vendors, and the reads for their pages."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from headend.accounts.models import User
from headend.currencies.queries import accepted_codes
from headend.ledger.models import Account
from headend.vendors.models import Operator, Shift, Till, Vendor
from headend.vendors.seats import ACT_FOR_UTILITY


def vendor_of(user: User) -> Vendor | None:
    """Return the vendor that a user belongs to, whether or not they may sell for it now."""
    operator = Operator.objects.select_related("vendor").filter(user=user).first()
    return operator.vendor if operator else None


def of_own_vendor(found: QuerySet[Any], user: User, *, field: str = "vendor") -> QuerySet[Any]:
    """Narrow a query to what a user may see: a vendor's people only what is their vendor's.

    Args:
        found: a query of anything that belongs to a vendor.
        user: who looks.
        field: how the query's model names the vendor's key, for example "vendor" or "pk".

    Returns:
        All of it for the utility's people; nothing for whoever is neither.
    """
    vendor = vendor_of(user)
    if vendor is not None:
        return found.filter(**{field: vendor.pk})
    return found if user.has_perm(ACT_FOR_UTILITY) else found.none()


def vendors_seen_by(user: User) -> QuerySet[Vendor]:
    """Return the vendors that a user may see, by name."""
    seen = of_own_vendor(Vendor.objects.all(), user, field="pk")
    return seen.select_related("contract").order_by("name")


def operators_seen_by(user: User) -> QuerySet[Operator]:
    """Return the vendors' people that a user may see."""
    return of_own_vendor(Operator.objects.select_related("user", "vendor", "till"), user)


def operators_of(vendor: Vendor) -> QuerySet[Operator]:
    """Return a vendor's people by name, each with `has_worked`: whether they had a shift there."""
    worked = Shift.objects.filter(user=OuterRef("user"), vendor=vendor)
    found = vendor.operators.select_related("user", "till").order_by("user__username")
    return found.annotate(has_worked=Exists(worked))


def tills_seen_by(user: User) -> QuerySet[Till]:
    """Return the tills that a user may see, the utility's own among them."""
    return of_own_vendor(Till.objects.select_related("vendor"), user)


def shifts_seen_by(user: User) -> QuerySet[Shift]:
    """Return the shifts that a user may see, latest first: without view_vendor only their own."""
    seen = Shift.objects.select_related("user", "till", "vendor", "closed_by")
    seen = seen.prefetch_related("others")
    found = of_own_vendor(seen, user).order_by("-opened_at", "-pk")
    if user.has_perm("vendors.view_vendor"):
        return found
    return found.filter(user=user)


def running_shift(user: User) -> Shift | None:
    """Return the shift that an operator has not closed yet."""
    running = Shift.objects.exclude(state=Shift.CLOSED).filter(user=user)
    return running.select_related("user", "till", "vendor").first()


def currencies_counted(shift: Shift) -> dict[str, str]:
    """Return the other currencies that are counted when a shift ends, by code.

    Returns:
        dict: what its field says before somebody counts: "0" of one that the drawer never had.
    """
    if shift.vendor is not None:
        return {}
    had = {one.currency for one in shift.others.all()}
    return {code: "" if code in had else "0" for code in sorted({*accepted_codes(), *had})}


def currencies_of_cash() -> list[str]:
    """Return the currencies of the utility's cash: the base one, then others, by code."""
    others = Account.objects.filter(code__startswith="cash.").values_list("currency", flat=True)
    base = settings.BASE_CURRENCY
    return [base, *sorted({*others} - {base})]


def free_tills(vendor: Vendor | None) -> QuerySet[Till]:
    """Return the tills of a vendor, or of the utility, at which a shift can be opened now."""
    taken = Shift.objects.exclude(state=Shift.CLOSED).values("till")
    tills = Till.objects.filter(vendor=vendor, is_active=True, needs_shift=True)
    return tills.exclude(pk__in=taken).order_by("name")
