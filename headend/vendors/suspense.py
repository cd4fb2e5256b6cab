"""Matches bank payments with credit that vendors bought."""

from __future__ import annotations

from headend.ledger import suspense
from headend.vendors.models import Purchase


@suspense.accounted_by
def as_credit(reference: str) -> tuple[int, str] | None:
    """Return what a payment that became a vendor's credit was, and whose."""
    found = Purchase.objects.select_related("vendor").filter(payment_reference=reference).first()
    return (found.paid_minor, f"credit of {found.vendor}") if found else None
