"""Requests that need a second person. A program files them; only people decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from django.utils import timezone
from ninja import Path, Query, Router, Schema

from headend.accounts import approvals
from headend.accounts.models import Approval
from headend.api import shapes
from headend.api.ids import AnyId, AskedApproval
from headend.api.once import asked_once
from headend.api.requests import Cursor, KeyRequest, Limit, needs, one_found, page
from headend.api.schemas import MessageIn, text
from headend.config.ids import ApprovalId

router = Router(tags=["approvals"])
_USUAL_LIMIT = 50


class ApprovalOut(Schema):
    """A request of this program, and what became of it."""

    id: ApprovalId
    act: str
    summary: str
    reason: str
    state: str  # open, approved, refused or withdrawn
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision_reason: str
    target_type: str | None  # of what the act made or changed, as "debts.debt"
    target_id: AnyId | None


class WithdrawIn(MessageIn):
    """Why a request is taken back."""

    reason: Annotated[str, text(500, shortest=0)] = ""


class PageOfApprovals(Schema):
    """Some requests, newest first; `next` is the cursor of the page after it."""

    items: list[ApprovalOut]
    next: str | None


State = Annotated[
    Literal["open", "approved", "refused", "withdrawn"] | None,
    Query(description="only those in this state"),
]


@router.get("/approvals", **needs("approvals", PageOfApprovals))
def list_approvals(
    request: KeyRequest, state: State = None, cursor: Cursor = None, limit: Limit = _USUAL_LIMIT
) -> dict[str, Any]:
    """List this program's requests that need a second person, newest first."""
    found = _own(request)
    if state is not None:
        found = found.filter(state=state)
    return page(found, cursor=cursor, limit=limit, give=shapes.approval)


@router.get("/approvals/{approval_id}", **needs("approvals", ApprovalOut))
def read_approval(request: KeyRequest, approval_id: Path[AskedApproval]) -> dict[str, Any]:
    """Read one request of this program and its outcome."""
    return shapes.approval(_one(request, approval_id))


@router.post("/approvals/{approval_id}/withdraw", **needs("approvals", ApprovalOut))
def withdraw(
    request: KeyRequest, approval_id: Path[AskedApproval], body: WithdrawIn
) -> dict[str, Any]:
    """Withdraw an undecided request of this program, once per message id."""
    program, now = request.auth.program, timezone.now()
    found = _one(request, approval_id)

    def act() -> dict[str, Any]:
        return shapes.approval(approvals.withdraw(found, program, now, body.reason))

    return asked_once(request.auth, f"withdraw {approval_id}", body, at=now, act=act)


def request_once(
    request: KeyRequest, what: str, body: MessageIn, ask: Callable[..., Approval]
) -> dict[str, Any]:
    """Ask for something that a second person must approve, once per message id.

    Args:
        request: of the program that asks.
        what: the operation and its object; the message id stands for these and the body.
        body: with the message id.
        ask: a service that files the request; called with `by` (the program) and `at` (now).

    Returns:
        The waiting request, as ApprovalOut has it.

    Raises:
        MessageReused: the message id stands for another request.
        Refusal: whatever `ask` raises.
    """
    now = timezone.now()

    def act() -> dict[str, Any]:
        return shapes.approval(ask(by=request.auth.program, at=now))

    return asked_once(request.auth, what, body, at=now, act=act)


def _own(request: KeyRequest) -> QuerySet[Approval]:
    return Approval.objects.select_related("decided_by").filter(requested_by=request.auth.program)


def _one(request: KeyRequest, approval_id: int) -> Approval:
    return one_found(
        _own(request).filter(pk=approval_id), otherwise="this program asked for nothing of that id"
    )
