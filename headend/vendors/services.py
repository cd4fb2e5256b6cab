"""Everything that changes vendors, their contracts, tills and people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from headend.accounts.models import User
from headend.accounts.services import require
from headend.accounts.trusted import person_is_trusted
from headend.audit import services as audit
from headend.config.errors import NotPermitted
from headend.vendors import queries, seats, wallet
from headend.vendors.earnings import Rate
from headend.vendors.errors import (
    InvalidContract,
    InvalidVendor,
)
from headend.vendors.models import Contract, Operator, Till, Vendor

LARGEST_LIMIT_MINOR = 10**13


@dataclass(frozen=True)
class Terms:
    """What a contract says.

    Args:
        kind: one of `Contract.Kind`.
        percent: what the vendor earns, of the credit bought or of each sale, 0..<100.
        tax: one of `Contract.Tax`.
        tax_percent: the rate of the tax on what is earned.
        credit_limit_minor: how far the wallet may fall below nothing.
        largest_sale_minor: of one sale; None: no limit.
    """

    kind: str
    percent: Decimal
    tax: str = Contract.Tax.NONE
    tax_percent: Decimal = Decimal(0)
    credit_limit_minor: int = 0
    largest_sale_minor: int | None = None

    def check(self) -> None:
        """Refuse terms that make no sense.

        Raises:
            InvalidContract: and why.
        """
        if self.kind not in Contract.Kind.values or self.tax not in Contract.Tax.values:
            raise InvalidContract(f"there is no contract of kind {self.kind} with tax {self.tax}")
        if not (0 <= self.percent < 100 and 0 <= self.tax_percent < 100):
            raise InvalidContract("percentages are at least 0 and less than 100")
        if Rate(self.percent, self.tax, self.tax_percent).gross >= 1:
            raise InvalidContract("with its tax the vendor would earn all of the money")
        if not 0 <= self.credit_limit_minor <= LARGEST_LIMIT_MINOR:
            raise InvalidContract("a credit limit must not be negative")
        if self.largest_sale_minor is not None and self.largest_sale_minor <= 0:
            raise InvalidContract("the largest sale must be more than zero")


@transaction.atomic
def register_vendor(
    *, name: str, by: User, at: datetime, tax_number: str = "", phone: str = "", email: str = ""
) -> Vendor:
    """Take an organisation on; it sells once it has a contract, credit, tills and people.

    Args:
        name: as receipts print it, 1..100 characters; no other vendor's.
        by: who decides; needs vendors.add_vendor.
        at: now.
        tax_number: as receipts print it.
        phone: how to reach it.
        email: how to reach it.

    Raises:
        InvalidVendor: no name, or another vendor's.
    """
    require(by, "vendors.add_vendor")
    name = name.strip()
    if not 0 < len(name) <= 100:
        raise InvalidVendor("a vendor's name has 1 to 100 characters; receipts print it")
    if Vendor.objects.filter(name=name).exists():
        raise InvalidVendor(f"there is a vendor {name} already")
    vendor = Vendor.objects.create(
        name=name,
        tax_number=tax_number.strip(),
        phone=phone.strip(),
        email=email.strip(),
        currency=settings.BASE_CURRENCY,
        created_at=at,
    )
    wallet.create(vendor)
    audit.record(
        actor=by, action="vendors.register", target=vendor, at=at, after={"name": vendor.name}
    )
    return vendor


@transaction.atomic
def agree_contract(vendor: Vendor, terms: Terms, *, by: User, at: datetime) -> Contract:
    """Put a contract in force, in place of the one before.

    Args:
        vendor: with whom.
        terms: what it says.
        by: who agrees for the utility; needs vendors.add_contract.
        at: now, and when it begins.

    Raises:
        InvalidContract: the terms make no sense, or the vendor uses more credit than they allow.
    """
    require(by, "vendors.add_contract")
    terms.check()
    vendor = locked(vendor)
    before = vendor.contract
    contract = Contract.objects.create(vendor=vendor, valid_from=at, agreed_by=by, **asdict(terms))
    wallet.give(vendor, terms.credit_limit_minor - (before.credit_limit_minor if before else 0))
    vendor.contract = contract
    vendor.save(update_fields=["contract"])
    audit.record(
        actor=by,
        action="vendors.agree_contract",
        target=vendor,
        at=at,
        before=None if before is None else asdict(terms_of(before)),
        after=asdict(terms),
    )
    return contract


def terms_of(contract: Contract) -> Terms:
    """Return what a stored contract says."""
    return Terms(**{name: getattr(contract, name) for name in Terms.__dataclass_fields__})


@transaction.atomic
def add_till(
    vendor: Vendor | None, *, name: str, by: User, at: datetime, needs_shift: bool = True
) -> Till:
    """Give a vendor, or the utility, a place to sell.

    Args:
        vendor: whose; None: the utility's own.
        name: as receipts print it, 1..60 characters; once per vendor.
        by: who decides; needs vendors.add_till.
        at: now.
        needs_shift: cash is counted in shifts; not where a program sells.

    Raises:
        InvalidVendor: no name, or another till's.
        NotPermitted: another vendor's person asks.
    """
    _require_own(by, "vendors.add_till", vendor)
    name = name.strip()
    if not 0 < len(name) <= 60:
        raise InvalidVendor("a till's name has 1 to 60 characters; receipts print it")
    if Till.objects.filter(vendor=vendor, name=name).exists():
        raise InvalidVendor(f"{vendor or 'the utility'} has a till {name} already")
    till = Till.objects.create(vendor=vendor, name=name, needs_shift=needs_shift)
    audit.record(
        actor=by,
        action="vendors.add_till",
        target=vendor or till,
        at=at,
        after={"till": name, "needs_shift": needs_shift},
    )
    return till


@transaction.atomic
def set_till_active(till: Till, is_active: bool, *, by: User, at: datetime, reason: str) -> Till:
    """Close a till to sales, or open it again; needs vendors.change_till."""
    _require_own(by, "vendors.change_till", till.vendor)
    before, till.is_active = till.is_active, is_active
    till.save(update_fields=["is_active"])
    audit.record(
        actor=by,
        action="vendors.set_till",
        target=till.vendor or till,
        at=at,
        before={"till": till.name, "is_active": before},
        after={"till": till.name, "is_active": is_active},
        reason=reason,
    )
    return till


@transaction.atomic
def add_operator(
    vendor: Vendor, user: User, *, by: User, at: datetime, till: Till | None = None
) -> Operator:
    """Let a user sell for a vendor, and see that vendor's affairs only.

    Args:
        vendor: for whom.
        user: who; belongs to no other vendor.
        by: who decides; needs vendors.add_operator.
        at: now.
        till: only for a program: its till, which needs no shifts.

    Raises:
        InvalidVendor: the user has a vendor, or decides for the utility, or the till is not one
            for a program.
        NotPermitted: another vendor's person asks.
    """
    _require_own(by, "vendors.add_operator", vendor)
    if person_is_trusted(user):  # or one person alone could shut out all who decide with them
        raise InvalidVendor(
            f"{user} approves what others ask for, or manages people; whoever sells for a vendor "
            "sees that vendor only, so take them out of those groups first"
        )
    earlier = Operator.objects.select_related("vendor").filter(user=user).first()
    if earlier is not None:
        raise InvalidVendor(f"{user} sells for {earlier.vendor} already")
    if till is not None and (till.vendor_id != vendor.pk or till.needs_shift):
        raise InvalidVendor(f"{till} is not a till of {vendor} at which a program sells")
    operator = Operator.objects.create(user=user, vendor=vendor, till=till)
    audit.record(
        actor=by,
        action="vendors.add_operator",
        target=vendor,
        at=at,
        after={"operator": user.username},
    )
    return operator


@transaction.atomic
def remove_operator(operator: Operator, *, by: User, at: datetime, reason: str) -> None:
    """Undo that a user was tied to a vendor by mistake; who has worked there is suspended.

    Args:
        operator: whom; a person without a shift yet, for what they did stays the vendor's to see.
        by: who decides; of the utility, needs vendors.add_operator.
        at: now.
        reason: why, for the record.

    Raises:
        InvalidVendor: they have worked for the vendor, or are a program.
        NotPermitted: a vendor's person asks.
    """
    _require_own(by, "vendors.add_operator", None)
    operator = Operator.objects.select_for_update().get(pk=operator.pk)
    if operator.till is not None:
        raise InvalidVendor(f"{operator.user} is a program; revoke its keys under API keys")
    if operator.user.shifts.filter(vendor=operator.vendor).exists():
        raise InvalidVendor(f"{operator.user} has worked for {operator.vendor}; suspend them")
    audit.record(
        actor=by,
        action="vendors.remove_operator",
        target=operator.vendor,
        at=at,
        before={"operator": operator.user.username},
        reason=reason,
    )
    operator.delete()


@transaction.atomic
def set_operator_active(
    operator: Operator, is_active: bool, *, by: User, at: datetime, reason: str
) -> Operator:
    """Keep an operator from selling, or let them again; needs vendors.change_operator."""
    _require_own(by, "vendors.change_operator", operator.vendor)
    before, operator.is_active = operator.is_active, is_active
    operator.save(update_fields=["is_active"])
    audit.record(
        actor=by,
        action="vendors.set_operator",
        target=operator.vendor,
        at=at,
        before={"operator": operator.user.username, "is_active": before},
        after={"operator": operator.user.username, "is_active": is_active},
        reason=reason,
    )
    return operator


def suspend(vendor: Vendor, *, by: User, at: datetime, reason: str) -> Vendor:
    """Keep a vendor from selling: when this returns, no sale of it can be made any more.

    Sales that were being made end first; needs vendors.suspend.
    """
    return _set_status(vendor, Vendor.SUSPENDED, by=by, at=at, reason=reason)


def reinstate(vendor: Vendor, *, by: User, at: datetime, reason: str) -> Vendor:
    """Let a suspended vendor sell again; needs vendors.suspend."""
    return _set_status(vendor, Vendor.ACTIVE, by=by, at=at, reason=reason)


@transaction.atomic
def _set_status(vendor: Vendor, status: str, *, by: User, at: datetime, reason: str) -> Vendor:
    require(by, "vendors.suspend")
    if queries.vendor_of(by) is not None:
        raise NotPermitted("only the utility may suspend and reinstate vendors")
    vendor = locked(vendor)
    before, vendor.status = vendor.status, status
    vendor.save(update_fields=["status"])
    wallet.set_open(vendor, status == Vendor.ACTIVE)
    audit.record(
        actor=by,
        action="vendors.suspend" if status == Vendor.SUSPENDED else "vendors.reinstate",
        target=vendor,
        at=at,
        before={"status": before},
        after={"status": status},
        reason=reason,
    )
    return vendor


def locked(vendor: Vendor) -> Vendor:
    """Return a vendor as it is now, held against other changes of it; sales go on."""
    rows = Vendor.objects.select_for_update(of=("self",), no_key=True).select_related("contract")
    return rows.get(pk=vendor.pk)


def _require_own(by: User, permission: str, vendor: Vendor | None) -> None:
    require(by, permission)
    own = queries.vendor_of(by)
    if own is None:
        require(by, seats.ACT_FOR_UTILITY)
    elif own != vendor:
        raise NotPermitted(f"{by} belongs to {own} and decides nothing elsewhere")
