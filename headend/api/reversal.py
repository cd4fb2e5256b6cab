"""The vend protocol's second step and its way back: give the held token out, or reverse."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.utils import timezone
from ninja import Path, Router, Schema

from headend.api import shapes
from headend.api.errors import ObjectNotFound
from headend.api.models import ApiKey
from headend.api.requests import KeyRequest, needs
from headend.api.schemas import MessageId, MessageIn, SaleOut, text
from headend.api.vend import caller_of
from headend.vending import disclosure, reversals
from headend.vending.models import Disclosure, Reversal, Sale

router = Router(tags=["vend"])

ReceiptNumber = Path[Annotated[str, text(20)]]


class ReverseIn(MessageIn):
    """Why a sale is taken back, under the name that the caller gives the request."""

    reason: Annotated[str, text(200)]


class ReversalOut(Schema):
    """A sale that was taken back: its money is the customer's again."""

    receipt_number: str
    message_id: str
    basis: str  # no_token, not_disclosed or proved_unused
    reason: str
    currency: str
    returned_minor: int  # what the customer is handed back
    reversed_at: datetime


@router.post("/sales/{receipt_number}/disclose", **needs("vend", SaleOut))
def disclose(request: KeyRequest, receipt_number: ReceiptNumber) -> dict[str, Any]:
    """Give out the token of this program's sale that was vended with `hold_token`.

    From now on the sale can't be reversed. Asking again gives the same answer.
    """
    key = request.auth
    sale = _own(key, receipt_number)
    disclosure.disclose(sale, to=key.program, how=Disclosure.How.RETURNED, at=timezone.now())
    return shapes.sale(_own(key, receipt_number), caller=caller_of(key))


@router.post("/sales/{receipt_number}/reverse", **needs("reverse", ReversalOut))
def reverse(request: KeyRequest, receipt_number: ReceiptNumber, body: ReverseIn) -> dict[str, Any]:
    """Reverse this program's sale if its token cannot be used, once per message id.

    That is one whose token is still held, that gave none, or whose token the meter proves unused.
    Message ids of reversals are others than those of vends.
    """
    key = request.auth
    made = reversals.reverse(
        caller=caller_of(key),
        message_id=body.message_id,
        sale=_own(key, receipt_number),
        by=key.program,
        at=timezone.now(),
        reason=body.reason,
    )
    return _shape(made)


@router.get("/reversals/advice/{message_id}", **needs("reverse", ReversalOut))
def advice(request: KeyRequest, message_id: Path[MessageId]) -> dict[str, Any]:
    """Read what a message of this program reversed; `sale_not_found` if nothing."""
    made = reversals.advice(caller=caller_of(request.auth), message_id=message_id)
    return _shape(made)


def _own(key: ApiKey, receipt_number: str) -> Sale:
    """Return a sale that this program made; others do not exist for it."""
    sale = shapes.sale_numbered(receipt_number, seen_by=key.program)
    if sale.caller != caller_of(key):
        raise ObjectNotFound(f"this program made no sale {receipt_number}")
    return sale


def _shape(made: Reversal) -> dict[str, Any]:
    return {
        "receipt_number": made.sale.receipt_number,
        "message_id": made.message_id,
        "basis": str(made.basis),
        "reason": made.reason,
        "currency": made.sale.currency,
        "returned_minor": made.sale.tender_minor,
        "reversed_at": made.reversed_at,
    }
