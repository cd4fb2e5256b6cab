"""Requests that wait for a second person. A program asks; only people decide."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from django.utils import timezone
from ninja import Path, Query, Router, Schema

from headend.accounts import approvals
from headend.accounts.models import Approval
from headend.api.ids import AnyId, AskedApproval
from headend.api.once import asked_once
from headend.api.requests import Cursor, KeyRequest, Limit, needs, one_found, page
from headend.api.schemas import MessageIn, text
from headend.config import opaque
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
    """List what this program asked for that needs a second person, the newest first."""
    found = _own(request)
    if state is not None:
        found = found.filter(state=state)
    return page(found, cursor=cursor, limit=limit, give=shape)


@router.get("/approvals/{approval_id}", **needs("approvals", ApprovalOut))
def read_approval(request: KeyRequest, approval_id: Path[AskedApproval]) -> dict[str, Any]:
    """Say what became of a request of this program."""
    return shape(_one(request, approval_id))


@router.post("/approvals/{approval_id}/withdraw", **needs("approvals", ApprovalOut))
def withdraw(
    request: KeyRequest, approval_id: Path[AskedApproval], body: WithdrawIn
) -> dict[str, Any]:
    """Take an own request back that nobody has decided, once per message id."""
    program, now = request.auth.program, timezone.now()
    found = _one(request, approval_id)

    def act() -> dict[str, Any]:
        return shape(approvals.withdraw(found, program, now, body.reason))

    return asked_once(request.auth, f"withdraw {approval_id}", body, at=now, act=act)


def shape(one: Approval) -> dict[str, Any]:
    """A request and what became of it."""
    target = opaque.encode(one.target_type, int(one.target_id)) if one.target_id else None
    return {
        "id": one.pk,
        "act": one.act,
        "summary": one.summary,
        "reason": one.reason,
        "state": one.state,
        "requested_at": one.requested_at,
        "decided_by": one.decided_by.username if one.decided_by else None,
        "decided_at": one.decided_at,
        "decision_reason": one.decision_reason,
        "target_type": one.target_type or None,
        "target_id": target,
    }


def _own(request: KeyRequest) -> QuerySet[Approval]:
    return Approval.objects.select_related("decided_by").filter(requested_by=request.auth.program)


def _one(request: KeyRequest, approval_id: int) -> Approval:
    return one_found(
        _own(request).filter(pk=approval_id), otherwise="this program asked for nothing of that id"
    )
