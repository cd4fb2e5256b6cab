"""Vendors: who sells, their wallets and shifts; buying credit needs a second person."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from headend.api.approvals import ApprovalOut, request_once
from headend.api.ids import AskedVendor
from headend.api.models import ApiKey
from headend.api.requests import Cursor, KeyRequest, Limit, needs, one_found, page
from headend.api.schemas import Body, MessageIn, Page, text
from headend.api.statements import StatementLineOut, statement_page
from headend.config.ids import ShiftId, VendorId
from headend.ledger.models import Line
from headend.vendors import acts, purchases, queries, wallet, wallet_watch
from headend.vendors.models import Cash, Shift, Vendor, WalletWatch

router = Router(tags=["vendors"])
_USUAL_LIMIT = 50

OfVendor = Annotated[AskedVendor | None, Query(description="only of this vendor")]
ShiftState = Annotated[
    Literal["open", "counted", "closed"] | None, Query(description="only those in this state")
]


class VendorOut(Schema):
    """One vendor; its credit is read one vendor at a time."""

    id: VendorId
    name: str
    status: str
    currency: str


class VendorWithWalletOut(VendorOut):
    """One vendor with its contract and what it may still sell for."""

    balance_minor: int  # in the wallet, as the ledger says; below 0: credit is used
    available_minor: int  # with the credit limit
    contract: str | None
    credit_limit_minor: int | None
    largest_sale_minor: int | None
    low_below_minor: int | None  # below it the wallet is low; null: nobody is told
    low_since: datetime | None


class LowWalletIn(Body):
    """Below what is left to sell for a wallet is low; null: nobody is told."""

    low_below_minor: Annotated[int, Field(ge=1, le=wallet_watch.LARGEST_MINOR)] | None


class CreditIn(MessageIn):
    """A payment that is to become credit."""

    paid_minor: Annotated[int, Field(ge=1, le=purchases.LARGEST_PAYMENT_MINOR)]
    payment_reference: Annotated[str, text(purchases.LONGEST_REFERENCE)]


class OtherCashOut(Schema):
    """Cash of another currency than the shift's in its drawer; counted by itself."""

    currency: str
    float_minor: int
    sold_minor: int
    paid_out_minor: int
    expected_minor: int
    counted_minor: int | None
    difference_minor: int | None


class ShiftOut(Schema):
    """A shift at a till; its cash is null until it was counted."""

    id: ShiftId
    vendor_id: VendorId | None  # null: at one of the utility's own tills
    till: str
    operator: str
    state: str
    opened_at: datetime
    currency: str
    float_minor: int
    sales_count: int
    sold_minor: int  # before what was given back
    paid_out_count: int
    paid_out_minor: int  # for sales that were taken back
    expected_minor: int  # that should be in the drawer: float and sold less paid out
    counted_minor: int | None
    difference_minor: int | None
    others: list[OtherCashOut]  # cash in other currencies
    closed_at: datetime | None


@router.get("/vendors", **needs("vendors:read", Page[VendorOut]))
def list_vendors(
    request: KeyRequest, cursor: Cursor = None, limit: Limit = _USUAL_LIMIT
) -> dict[str, Any]:
    """List vendors, newest first; a vendor's program sees only its own."""
    found = queries.vendors_seen_by(request.auth.program)
    return page(found, cursor=cursor, limit=limit, give=_shape)


@router.get("/vendors/{vendor_id}", **needs("vendors:read", VendorWithWalletOut))
def read_vendor(request: KeyRequest, vendor_id: Path[AskedVendor]) -> dict[str, Any]:
    """Read one vendor with its wallet."""
    return _with_wallet(_one(request.auth, vendor_id))


@router.put("/vendors/{vendor_id}/low-wallet", **needs("vendors:credit", VendorWithWalletOut))
def watch_wallet(
    request: KeyRequest, vendor_id: Path[AskedVendor], body: LowWalletIn
) -> dict[str, Any]:
    """Set the amount below which a vendor's wallet is low (event `vendor.wallet_low`)."""
    found = _one(request.auth, vendor_id)
    wallet_watch.set_threshold(
        found, body.low_below_minor, by=request.auth.program, at=timezone.now()
    )
    return _with_wallet(found)


def _with_wallet(found: Vendor) -> dict[str, Any]:
    contract, watch = found.contract, WalletWatch.objects.filter(vendor=found).first()
    return _shape(found) | {
        "balance_minor": wallet.balance_minor(found),
        "available_minor": wallet.available_minor(found),
        "contract": str(contract) if contract else None,
        "credit_limit_minor": contract.credit_limit_minor if contract else None,
        "largest_sale_minor": contract.largest_sale_minor if contract else None,
        "low_below_minor": watch.threshold_minor if watch else None,
        "low_since": watch.low_since if watch else None,
    }


@router.get("/vendors/{vendor_id}/statement", **needs("vendors:read", Page[StatementLineOut]))
def read_statement(
    request: KeyRequest,
    vendor_id: Path[AskedVendor],
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """Read the statement of a vendor's wallet, newest line first."""
    vendor = _one(request.auth, vendor_id)
    lines = Line.objects.filter(account__code=vendor.wallet, account__currency=vendor.currency)
    return statement_page(lines, sign=-1, cursor=cursor, limit=limit)


@router.post("/vendors/{vendor_id}/credit", **needs("vendors:credit", ApprovalOut))
def request_credit(
    request: KeyRequest, vendor_id: Path[AskedVendor], body: CreditIn
) -> dict[str, Any]:
    """Request the credit that a payment buys; somebody at the utility decides.

    Once per message id, and once per payment reference.
    """
    ask = partial(
        acts.request_purchase,
        _one(request.auth, vendor_id),
        paid_minor=body.paid_minor,
        payment_reference=body.payment_reference,
    )
    return request_once(request, f"credit {vendor_id}", body, ask)


@router.get("/shifts", **needs("vendors:read", Page[ShiftOut]))
def list_shifts(
    request: KeyRequest,
    vendor_id: OfVendor = None,
    state: ShiftState = None,
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """List shifts, newest first; a vendor's program sees only its vendor's."""
    shifts = Shift.objects.select_related("till", "user", "vendor").prefetch_related("others")
    found = queries.of_own_vendor(shifts, request.auth.program)
    if vendor_id is not None:
        found = found.filter(vendor_id=vendor_id)
    if state is not None:
        found = found.filter(state=state)
    return page(found, cursor=cursor, limit=limit, give=_shift)


def _one(key: ApiKey, vendor_id: int) -> Vendor:
    return one_found(
        queries.vendors_seen_by(key.program).filter(pk=vendor_id),
        otherwise="there is no vendor of that id",
    )


def _shape(one: Vendor) -> dict[str, Any]:
    return {"id": one.pk, "name": one.name, "status": one.status, "currency": one.currency}


def _shift(one: Shift) -> dict[str, Any]:
    return {
        "id": one.pk,
        "vendor_id": one.vendor_id,
        "till": one.till.name,
        "operator": str(one.user),
        "state": one.state,
        "opened_at": one.opened_at,
        "currency": one.currency,
        "sales_count": one.sales_count,
        "paid_out_count": one.paid_out_count,
        "others": [_cash(each) | {"currency": each.currency} for each in one.others.all()],
        "closed_at": one.closed_at,
    } | _cash(one)


def _cash(one: Cash) -> dict[str, Any]:
    return {
        "float_minor": one.float_minor,
        "sold_minor": one.sold_minor,
        "paid_out_minor": one.paid_out_minor,
        "expected_minor": one.expected_minor,
        "counted_minor": one.counted_minor,
        "difference_minor": one.difference_minor,
    }
