"""Orders to meters (switch, read, change the payment mode) and their outcome."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from ninja import Path, Router, Schema

from headend.api.once import asked_once
from headend.api.requests import Cursor, KeyRequest, Limit, needs, one_found, page
from headend.api.schemas import MessageIn, MeterNumber, Page, text
from headend.fleet import orders
from headend.fleet.models import Command
from headend.meters.queries import meter_numbered
from shared.wire import commands

router = Router(tags=["orders to meters"])
_USUAL_LIMIT = 50

# What else a meter page orders either needs a second person, or is a step of closing an account.
Orderable = Literal[
    "connect", "disconnect", "arm", "postpayment", "prepayment", "reset-trip", "clear-tamper",
    "read", "set-clock", "ping",
]  # fmt: skip


class OrderIn(MessageIn):
    """What a meter is to do, and why."""

    order: Orderable
    reason: Annotated[str, text(200)]


class CommandOut(Schema):
    """One order to a meter, and how far it has come."""

    command_id: UUID
    meter: str
    command: str
    arguments: dict[str, Any]
    state: str  # pending, queued, published, received; accepted, rejected, expired, ...
    reason: str
    detail: dict[str, Any]  # the meter's answer, such as its closing registers
    created_at: datetime
    expires_at: datetime | None
    finished_at: datetime | None


@router.post("/meters/{number}/orders", **needs("meters:order", CommandOut))
def order(request: KeyRequest, number: Path[MeterNumber], body: OrderIn) -> dict[str, Any]:
    """Send an order to a meter, once per message id; read its answer at `/commands`.

    A switch of the payment mode counts once the meter says it did: then `/mode-switches` has its
    closing registers and what is credited.
    """
    now, meter = timezone.now(), meter_numbered(number)

    def act() -> dict[str, Any]:
        made = orders.give(
            orders.ORDERS[body.order],
            meter,
            {},
            by=request.auth.program,
            at=now,
            reason=body.reason,
        )
        return _shape(made)

    return asked_once(request.auth, f"order {meter.drn}", body, at=now, act=act)


@router.get("/meters/{number}/orders", **needs("meters:order", Page[CommandOut]))
def list_orders(
    request: KeyRequest,
    number: Path[MeterNumber],
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """List a meter's orders, without token deliveries, newest first."""
    found = _commands().filter(meter=meter_numbered(number))
    return page(found, cursor=cursor, limit=limit, give=_shape)


@router.get("/commands/{command_id}", **needs("meters:order", CommandOut))
def read_command(request: KeyRequest, command_id: Path[UUID]) -> dict[str, Any]:
    """Read an order and its outcome."""
    found = _commands().filter(public_id=command_id)
    return _shape(one_found(found, otherwise="there is no order of that id"))


def _commands() -> QuerySet[Command]:
    return Command.objects.exclude(command=commands.TOKEN).select_related("meter")


def _shape(one: Command) -> dict[str, Any]:
    return {
        "command_id": one.public_id,
        "meter": one.meter.drn,
        "command": one.command,
        "arguments": one.arguments,
        "state": str(one.state),
        "reason": one.reason,
        "detail": one.detail,
        "created_at": one.created_at,
        "expires_at": one.expires_at,
        "finished_at": one.finished_at,
    }
