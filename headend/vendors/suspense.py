"""Matches bank payments with credit that vendors bought."""

from __future__ import annotations

from headend.ledger import suspense
from headend.vendors.models import Purchase


@suspense.accounted_by
def as_credit(reference: str) -> suspense.Accounted | None:
    """Return what a payment that became a vendor's credit was, and whose."""
    found = Purchase.objects.select_related("vendor").filter(payment_reference=reference).first()
    if found is None:
        return None
    vendor = found.vendor
    return suspense.Accounted(found.paid_minor, vendor.currency, f"credit of {vendor}")
