"""Turns a vendor's payments into credit, once each."""

from __future__ import annotations

from datetime import datetime

from headend.accounts.models import User
from headend.audit import services as audit
from headend.design import figures
from headend.ledger import services as ledger
from headend.ledger import suspense
from headend.ledger.services import Posting
from headend.vendors import seats, wallet
from headend.vendors.errors import InvalidPurchase, PaymentReferenceTaken
from headend.vendors.models import Contract, Purchase, Vendor
from headend.vendors.services import locked

LARGEST_PAYMENT_MINOR = 10**13
LONGEST_REFERENCE = suspense.LONGEST_REFERENCE
PURCHASE = "credit-purchase:"  # what a purchase's ledger entry refers to


def check_payment(vendor: Vendor, *, paid_minor: int, payment_reference: str) -> tuple[int, str]:
    """Return the credit that a payment would give, and its reference as it is kept.

    Raises:
        InvalidPurchase: no money, no reference, or no contract.
        PaymentReferenceTaken: credit was given for it before.
    """
    if not 0 < paid_minor <= LARGEST_PAYMENT_MINOR:
        raise InvalidPurchase("a payment must be more than zero, in whole minor currency units")
    try:
        reference = suspense.normal(payment_reference)
    except suspense.InvalidPayment as error:
        raise InvalidPurchase(error.sentence) from error
    if vendor.contract is None:
        raise InvalidPurchase(f"{vendor} has no contract yet")
    taken = Purchase.objects.filter(payment_reference=reference).select_related("vendor").first()
    if taken is not None:
        raise PaymentReferenceTaken(
            f"payment {reference} was turned into credit on {taken.at:%Y-%m-%d} already"
        )
    is_discount = vendor.contract.kind == Contract.Kind.DISCOUNT
    rate = seats.rate_of(vendor.contract)
    return (rate.credit_for(paid_minor) if is_discount else paid_minor), reference


def buy_credit(
    vendor: Vendor,
    *,
    paid_minor: int,
    credit_minor: int,
    payment_reference: str,
    requested_by: User,
    approved_by: User,
    at: datetime,
) -> Purchase:
    """Turn a payment into the credit that was approved. Only the approved act calls it.

    Args:
        vendor: who paid.
        paid_minor: what was paid, in minor units of the vendor's currency, > 0.
        credit_minor: what it buys, as the two people were told.
        payment_reference: by which the bank knows the payment.
        requested_by: who asked.
        approved_by: who checked that the money arrived.
        at: now.

    Raises:
        InvalidPurchase: the contract in force now gives another credit; or as `check_payment`.
        PaymentReferenceTaken: as `check_payment`.
        PaymentDiffers, PaymentNotWaiting: the bank tells of another amount, or it went elsewhere.
    """
    vendor = locked(vendor)
    gives_minor, reference = check_payment(
        vendor, paid_minor=paid_minor, payment_reference=payment_reference
    )
    if gives_minor != credit_minor:
        now, then = (
            figures.money(minor, currency=vendor.currency) for minor in (gives_minor, credit_minor)
        )
        raise InvalidPurchase(
            f"the contract of {vendor} gives {now} for this payment now and not {then}, as when "
            "it was asked for; refuse this request, so that it is asked for again"
        )
    contract = vendor.contract
    assert contract is not None, "check_payment refuses a vendor without one"
    wallet.give(vendor, credit_minor)
    purchase = Purchase.objects.create(
        vendor=vendor,
        contract=contract,
        payment_reference=reference,
        paid_minor=paid_minor,
        credit_minor=credit_minor,
        at=at,
        requested_by=requested_by,
        approved_by=approved_by,
    )
    paid_from = suspense.paid_from(
        reference,
        paid_minor,
        currency=vendor.currency,
        what=f"credit of {vendor}",
        by=requested_by,
        at=at,
    )
    ledger.post(
        at=at,
        description=f"Credit bought, payment {reference}",
        reference=f"{PURCHASE}{purchase.pk}",
        postings=[
            Posting(paid_from, paid_minor, vendor.currency),
            *seats.earned(vendor, credit_minor - paid_minor, vendor.currency),
            Posting(vendor.wallet, -credit_minor, vendor.currency),
        ],
    )
    audit.record(
        actor=requested_by,
        action="vendors.buy_credit",
        target=vendor,
        at=at,
        after={
            "payment_reference": reference,
            "paid_minor": paid_minor,
            "credit_minor": credit_minor,
            "currency": vendor.currency,
            "approved_by": approved_by.username,
        },
    )
    return purchase
