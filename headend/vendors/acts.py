"""The act on vendors that needs a second person: credit for a payment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from headend.accounts import approvals
from headend.accounts.models import Approval, User
from headend.config.errors import NotPermitted
from headend.design import figures
from headend.vendors import purchases, queries
from headend.vendors.errors import PaymentReferenceTaken
from headend.vendors.models import Purchase, Vendor

BUY_CREDIT = "vendors.buy_credit"


@approvals.act(
    BUY_CREDIT,
    title="Credit for a vendor",
    permission="vendors.buy_credit",
    approve_permission="vendors.approve_credit",
)
def perform_purchase(
    *, arguments: dict[str, Any], by: User, approved_by: User, at: datetime
) -> Purchase:
    """Give the credit that was asked for: as much as was shown to whoever approves."""
    vendor = Vendor.objects.get(pk=arguments["vendor"])
    _require_own(by, vendor)
    if queries.vendor_of(approved_by) is not None:
        raise NotPermitted("somebody of the utility has to approve a vendor's credit")
    return purchases.buy_credit(
        vendor,
        paid_minor=arguments["paid_minor"],
        credit_minor=arguments["credit_minor"],
        payment_reference=arguments["payment_reference"],
        requested_by=by,
        approved_by=approved_by,
        at=at,
    )


def request_purchase(
    vendor: Vendor, *, paid_minor: int, payment_reference: str, by: User, at: datetime
) -> Approval:
    """Ask for the credit that a payment buys; the approver checks that the money arrived.

    Args:
        vendor: who paid.
        paid_minor: what was paid, in minor units of the vendor's currency, > 0.
        payment_reference: by which the bank knows the payment; gives credit once.
        by: who asks; needs vendors.buy_credit, and belongs to the vendor or the utility.
        at: now.

    Raises:
        InvalidPurchase: no money, no reference, or no contract.
        PaymentReferenceTaken: credit was given or asked for before.
    """
    _require_own(by, vendor)
    credit_minor, reference = purchases.check_payment(
        vendor, paid_minor=paid_minor, payment_reference=payment_reference
    )
    waiting = requests_waiting().filter(arguments__payment_reference=reference)
    if waiting.exists():
        raise PaymentReferenceTaken(f"payment {reference} waits for approval already")
    paid, credit = (
        figures.money(minor, currency=vendor.currency) for minor in (paid_minor, credit_minor)
    )
    return approvals.request(
        BUY_CREDIT,
        {
            "vendor": vendor.pk,
            "paid_minor": paid_minor,
            "credit_minor": credit_minor,
            "payment_reference": reference,
        },
        by,
        at,
        f"payment {reference}",
        f"Credit of {credit} for {vendor}, which paid {paid} as {reference}",
    )


def requests_waiting() -> Any:
    """Return the requests for credit that nobody has decided yet, oldest first."""
    open_ones = Approval.objects.filter(act=BUY_CREDIT, state=Approval.OPEN)
    return open_ones.select_related("requested_by").order_by("requested_at", "pk")


def _require_own(by: User, vendor: Vendor) -> None:
    own = queries.vendor_of(by)
    if own != vendor and (own is not None or not by.has_perm(queries.ACT_FOR_UTILITY)):
        raise NotPermitted(f"{by} does not belong to {vendor}")
