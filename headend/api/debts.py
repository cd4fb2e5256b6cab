"""Debts and their statements; requests to adjust or write off, which a person decides."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Literal

from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from headend.api.approvals import ApprovalOut, request_once
from headend.api.errors import ObjectNotFound
from headend.api.ids import AskedCustomer, AskedDebt, AskedPremises
from headend.api.once import asked_once
from headend.api.requests import Cursor, KeyRequest, Limit, needs, one_found, page
from headend.api.schemas import Day, MessageIn, Page, text
from headend.api.statements import StatementLineOut, statement_page
from headend.config.ids import CustomerId, DebtId, PremisesId
from headend.customers.models import Customer, Premises
from headend.debts import acts, services
from headend.debts.models import Debt
from headend.debts.terms import Terms
from headend.ledger.models import Line

router = Router(tags=["debts"])
_USUAL_LIMIT = 50

OfCustomer = Annotated[AskedCustomer | None, Query(description="only of this customer")]
Reference = Annotated[
    str | None, Query(description="only the one of this name in the other system"), text(60)
]
OnlyOpen = Annotated[bool, Query(description="only those of which something is owed")]
Money = Annotated[int, Field(ge=1, le=services.LARGEST_DEBT_MINOR)]
Percent = Annotated[Decimal, Field(strict=False, ge=0, le=100, max_digits=7, decimal_places=4)]


class DebtOut(Schema):
    """One debt: of a customer, or on a premises."""

    id: DebtId
    customer_id: CustomerId | None
    premises_id: PremisesId | None
    title: str
    external_reference: str | None
    currency: str
    principal_minor: int
    balance_minor: int
    priority: int
    recovery: str  # how it is recovered, in words
    opened_at: datetime


class DebtIn(MessageIn):
    """A debt to open; of a customer or of a premises, one of the two."""

    customer_id: AskedCustomer | None = None
    premises_id: AskedPremises | None = None
    title: Annotated[str, text(services.LONGEST_TITLE)]
    amount_minor: Money
    external_reference: Annotated[str, text(60, shortest=0)] = ""
    method: Literal["percent", "percent_owed", "per_purchase", "per_month", "instalments"]
    priority: Annotated[int, Field(ge=1, le=99)] = 1
    percent: Percent = Decimal(0)
    instalment_minor: Annotated[int, Field(ge=0, le=services.LARGEST_DEBT_MINOR)] = 0
    instalments: Annotated[int, Field(ge=1, le=240)] = 1
    first_due: Annotated[Day, Field(strict=False)] | None = None
    cap_per_purchase_minor: Money | None = None
    cap_per_month_minor: Money | None = None
    later_percent: Percent = Decimal(0)
    later_from: Annotated[Day, Field(strict=False)] | None = None
    blocked_from: Annotated[Day, Field(strict=False)] | None = None


class WriteOffIn(MessageIn):
    """How much of a debt is to be given up, and why."""

    amount_minor: Money
    reason: Annotated[str, text(500)]


class AdjustIn(MessageIn):
    """By how much a debt is to be raised, or lowered if negative, and why."""

    amount_minor: Annotated[
        int, Field(ge=-services.LARGEST_DEBT_MINOR, le=services.LARGEST_DEBT_MINOR)
    ]
    reason: Annotated[str, text(500)]


@router.get("/debts", **needs("debts:read", Page[DebtOut]))
def list_debts(
    request: KeyRequest,
    customer_id: OfCustomer = None,
    external_reference: Reference = None,
    only_open: OnlyOpen = False,
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """List debts, including paid ones, newest first."""
    found = Debt.objects.all()
    if customer_id is not None:
        found = found.filter(customer_id=customer_id)
    if external_reference is not None:
        found = found.filter(external_reference=external_reference)
    if only_open:
        found = found.filter(balance_minor__gt=0)
    return page(found, cursor=cursor, limit=limit, give=_shape)


@router.post("/debts", **needs("debts:write", DebtOut))
def open_debt(request: KeyRequest, body: DebtIn) -> dict[str, Any]:
    """Open a debt, once per message id and once per external reference.

    `percent`, `instalment_minor` (per purchase or month), or `instalments` and `first_due` are
    what the `method` asks for. From `later_from` on `later_percent` holds instead of `percent`;
    from `blocked_from` on nothing is sold before the debt is paid.
    """
    program, now = request.auth.program, timezone.now()
    terms = Terms(
        method=body.method,
        priority=body.priority,
        percent=body.percent,
        amount_minor=body.instalment_minor,
        instalments=body.instalments,
        first_due=body.first_due,
        cap_per_purchase_minor=body.cap_per_purchase_minor,
        cap_per_month_minor=body.cap_per_month_minor,
        later_percent=body.later_percent,
        later_from=body.later_from,
        blocked_from=body.blocked_from,
    )

    def act() -> dict[str, Any]:
        made = services.open_debt(
            owner=_owner(body),
            title=body.title,
            amount_minor=body.amount_minor,
            terms=terms,
            by=program,
            at=now,
            external_reference=body.external_reference,
        )
        return _shape(made)

    return asked_once(request.auth, "debts", body, at=now, act=act)


@router.get("/debts/{debt_id}", **needs("debts:read", DebtOut))
def read_debt(request: KeyRequest, debt_id: Path[AskedDebt]) -> dict[str, Any]:
    """Read one debt."""
    return _shape(debt_of_id(debt_id))


@router.get("/debts/{debt_id}/statement", **needs("debts:read", Page[StatementLineOut]))
def read_statement(
    request: KeyRequest,
    debt_id: Path[AskedDebt],
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """Read a debt's statement from the ledger, newest line first."""
    debt = debt_of_id(debt_id)
    lines = Line.objects.filter(account__code=debt.account, account__currency=debt.currency)
    return statement_page(lines, sign=1, cursor=cursor, limit=limit)


@router.post("/debts/{debt_id}/write-off", **needs("debts:request", ApprovalOut))
def request_write_off(
    request: KeyRequest, debt_id: Path[AskedDebt], body: WriteOffIn
) -> dict[str, Any]:
    """Request the write-off of a debt or part of it; a person decides. Once per message id."""
    ask = partial(
        acts.request_write_off, debt_of_id(debt_id), body.amount_minor, reason=body.reason
    )
    return request_once(request, f"write-off {debt_id}", body, ask)


@router.post("/debts/{debt_id}/adjust", **needs("debts:request", ApprovalOut))
def request_adjustment(
    request: KeyRequest, debt_id: Path[AskedDebt], body: AdjustIn
) -> dict[str, Any]:
    """Request that a debt be raised or lowered; a person decides. Once per message id."""
    ask = partial(
        acts.request_adjustment, debt_of_id(debt_id), body.amount_minor, reason=body.reason
    )
    return request_once(request, f"adjust {debt_id}", body, ask)


def _owner(body: DebtIn) -> Customer | Premises:
    owner: Customer | Premises | None = None
    if body.customer_id is not None and body.premises_id is None:
        owner = Customer.objects.filter(pk=body.customer_id).first()
    if body.premises_id is not None and body.customer_id is None:
        owner = Premises.objects.filter(pk=body.premises_id).first()
    if owner is None:
        raise ObjectNotFound("name one customer or one premises that there is")
    return owner


def debt_of_id(debt_id: int) -> Debt:
    """Return a debt.

    Raises:
        ObjectNotFound: there is none.
    """
    return one_found(Debt.objects.filter(pk=debt_id), otherwise="there is no debt of that id")


def _shape(one: Debt) -> dict[str, Any]:
    return {
        "id": one.pk,
        "customer_id": one.customer_id,
        "premises_id": one.premises_id,
        "title": one.title,
        "external_reference": one.external_reference,
        "currency": one.currency,
        "principal_minor": one.principal_minor,
        "balance_minor": one.balance_minor,
        "priority": one.priority,
        "recovery": one.recovery,
        "opened_at": one.opened_at,
    }
