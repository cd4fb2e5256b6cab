"""Who sees what of vendors, and the reads for their pages."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from headend.accounts.models import User
from headend.vendors.models import Operator, Vendor
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
