"""Engineering tokens and key changes; a person approves where that is needed."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any

from django.utils import timezone
from ninja import Path, Router, Schema
from pydantic import Field

from headend.api import shapes
from headend.api.approvals import ApprovalOut, request_once
from headend.api.once import asked_once
from headend.api.requests import Cursor, KeyRequest, Limit, needs, page
from headend.api.schemas import MessageIn, MeterNumber, Page, TokenOut, text
from headend.api.vend import caller_of
from headend.config.ids import KeyChangeId
from headend.engineering import key_orders, services
from headend.engineering.kinds import kind_named
from headend.meters.models import KeyChange
from headend.meters.queries import meter_numbered

router = Router(tags=["engineering"])
_USUAL_LIMIT = 50


class EngineeringTokenIn(MessageIn):
    """A token of class 1 or 2; docs/engineering-tokens.md lists the kinds and their values."""

    kind: Annotated[str, text(40)]
    values: dict[str, int | str | list[int]] = {}
    reason: Annotated[str, text(300)]


class OrderedOut(Schema):
    """What became of an order, one of the two: the token, or the request for a second person."""

    token: TokenOut | None
    approval: ApprovalOut | None


class KeyChangeIn(MessageIn):
    """New key attributes of a meter; what is left out stays."""

    sgc: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = None
    kt: Annotated[int, Field(ge=0, le=3)] | None = None
    krn: Annotated[int, Field(ge=1, le=9)] | None = None
    ti: Annotated[int, Field(ge=0, le=99)] | None = None
    base_date: Annotated[int, Field(ge=1993, le=2035)] | None = None
    reason: Annotated[str, text(300)]


class KeyChangeOut(Schema):
    """One change of a meter's key, and how far it has come."""

    id: KeyChangeId
    state: str
    before: dict[str, Any]
    after: dict[str, Any]
    prepared_at: datetime
    issued_at: datetime | None
    ended_at: datetime | None


@router.post("/meters/{number}/engineering-tokens", **needs("engineering", OrderedOut))
def order_token(
    request: KeyRequest, number: Path[MeterNumber], body: EngineeringTokenIn
) -> dict[str, Any]:
    """Order an engineering token for a meter, once per message id.

    Kinds that need a second person give a request; its token is read at `/tokens` once somebody
    has approved.
    """
    program, now = request.auth.program, timezone.now()
    meter = meter_numbered(number)

    def act() -> dict[str, Any]:
        made = services.order(
            kind_named(body.kind),
            meter,
            body.values,
            by=program,
            at=now,
            reason=body.reason,
            source=caller_of(request.auth),
        )
        return {
            "token": shapes.token(made.token) if made.token else None,
            "approval": shapes.approval(made.approval) if made.approval else None,
        }

    return asked_once(request.auth, f"engineering {meter.drn}", body, at=now, act=act)


@router.get("/meters/{number}/key-changes", **needs("meters:read", Page[KeyChangeOut]))
def list_key_changes(
    request: KeyRequest,
    number: Path[MeterNumber],
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """List a meter's key changes, newest first."""
    found = KeyChange.objects.filter(meter=meter_numbered(number))
    return page(found, cursor=cursor, limit=limit, give=_key_change)


@router.post("/meters/{number}/key-changes", **needs("engineering", ApprovalOut))
def request_key_change(
    request: KeyRequest, number: Path[MeterNumber], body: KeyChangeIn
) -> dict[str, Any]:
    """Request a change of a meter's key; a person decides. Once per message id."""
    meter = meter_numbered(number)
    ask = partial(
        key_orders.order,
        meter,
        body.model_dump(exclude={"message_id", "reason"}, exclude_none=True),
        reason=body.reason,
        source=caller_of(request.auth),
    )
    return request_once(request, f"key change {meter.drn}", body, ask)


def _key_change(one: KeyChange) -> dict[str, Any]:
    return {
        "id": one.pk,
        "state": str(one.state),
        "before": one.before,
        "after": one.after,
        "prepared_at": one.prepared_at,
        "issued_at": one.issued_at,
        "ended_at": one.ended_at,
    }
