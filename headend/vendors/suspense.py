"""Matches bank payments with credit that vendors bought."""

from __future__ import annotations

from collections.abc import Collection

from headend.ledger import suspense
from headend.vendors.models import Purchase


@suspense.accounted_by
def as_credit(references: Collection[str]) -> dict[str, suspense.Accounted]:
    """Return payments that became a vendor's credit, with the vendor, by reference."""
    found = Purchase.objects.select_related("vendor").filter(payment_reference__in=references)
    return {
        one.payment_reference: suspense.Accounted(
            one.paid_minor, one.vendor.currency, f"credit of {one.vendor}"
        )
        for one in found.order_by("-pk")  # of several the first counts
    }
