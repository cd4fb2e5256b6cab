"""Bank payments: entered, matched or in suspense, and requests to clear them."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Literal

from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from headend.api.approvals import ApprovalOut, request_once
from headend.api.ids import AskedBankPayment
from headend.api.once import asked_once
from headend.api.requests import Cursor, KeyRequest, Limit, needs, one_found, page
from headend.api.schemas import CurrencyCode, Day, MessageIn, Page
from headend.api.schemas import text as words
from headend.config.ids import BankPaymentId
from headend.ledger import suspense
from headend.ledger.models import BankPayment

router = Router(tags=["bank payments"])
_USUAL_LIMIT = 50


class BankPaymentIn(MessageIn):
    """A payment as the bank tells of it."""

    reference: Annotated[str, words(suspense.LONGEST_REFERENCE)]
    amount_minor: Annotated[int, Field(ge=1, le=suspense.LARGEST_MINOR)]
    currency: CurrencyCode | None = None  # of the account which got it; null: the base one
    paid_on: Annotated[Day, Field(strict=False)]
    payer: Annotated[str, words(140, shortest=0)] = ""
    text: Annotated[str, words(200, shortest=0)] = ""  # what the payer wrote


class ClearingIn(MessageIn):
    """What a payment is for.

    For a debt, `names` is the debt's id; for money in another currency that the bank bought
    (`sold_…`), it is what was sold, as "USD 120.00".
    """

    to: Literal["debt", "safe", "tills", "sold_safe", "sold_tills", "sold_account", "returned"]
    names: Annotated[str, words(40, shortest=0)] = ""
    reason: Annotated[str, words(500)]


class BankPaymentOut(Schema):
    """One payment at the bank."""

    id: BankPaymentId
    reference: str
    amount_minor: int
    currency: str
    paid_on: date
    payer: str
    text: str
    state: str  # waiting, matched or cleared
    entered_at: datetime
    ended_at: datetime | None
    ended_as: str  # what it was for


State = Annotated[
    Literal["waiting", "matched", "cleared"] | None, Query(description="only those in this state")
]
Reference = Annotated[
    str | None,
    Query(description="only the one of this reference"),
    words(suspense.LONGEST_REFERENCE),
]


@router.get("/bank-payments", **needs("bank", Page[BankPaymentOut]))
def list_payments(
    request: KeyRequest,
    state: State = None,
    reference: Reference = None,
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """List bank payments, last entered first."""
    found = BankPayment.objects.all()
    if state is not None:
        found = found.filter(state=state)
    if reference is not None:
        found = found.filter(reference=suspense.normal(reference))
    return page(found, cursor=cursor, limit=limit, give=_shape)


@router.post("/bank-payments", **needs("bank", BankPaymentOut))
def enter_payment(request: KeyRequest, body: BankPaymentIn) -> dict[str, Any]:
    """Enter a bank payment, once per message id and per reference: it is matched, or waits."""
    now = timezone.now()

    def act() -> dict[str, Any]:
        made = suspense.enter(
            **body.model_dump(exclude={"message_id", "currency"}),
            currency=body.currency or "",
            by=request.auth.program,
            at=now,
        )
        return _shape(made)

    return asked_once(request.auth, "bank payments", body, at=now, act=act)


@router.get("/bank-payments/{payment_id}", **needs("bank", BankPaymentOut))
def read_payment(request: KeyRequest, payment_id: Path[AskedBankPayment]) -> dict[str, Any]:
    """Read one bank payment."""
    return _shape(_one(payment_id))


@router.post("/bank-payments/{payment_id}/clear", **needs("bank", ApprovalOut))
def request_clearing(
    request: KeyRequest, payment_id: Path[AskedBankPayment], body: ClearingIn
) -> dict[str, Any]:
    """Request that a waiting payment be cleared; a person decides. Once per message id."""
    ask = partial(
        suspense.request_clearing,
        _one(payment_id),
        to=body.to,
        names=body.names,
        reason=body.reason,
    )
    return request_once(request, f"clear {payment_id}", body, ask)


def _one(payment_id: int) -> BankPayment:
    return one_found(
        BankPayment.objects.filter(pk=payment_id), otherwise="there is no payment of that id"
    )


def _shape(one: BankPayment) -> dict[str, Any]:
    return {
        "id": one.pk,
        "reference": one.reference,
        "amount_minor": one.amount_minor,
        "currency": one.currency,
        "paid_on": one.paid_on,
        "payer": one.payer,
        "text": one.text,
        "state": one.state,
        "entered_at": one.entered_at,
        "ended_at": one.ended_at,
        "ended_as": one.ended_as,
    }
