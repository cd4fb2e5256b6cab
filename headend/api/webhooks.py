"""A program's own webhooks: subscribing, looking at deliveries, having events sent again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from headend.api.ids import AskedWebhook
from headend.api.requests import Cursor, KeyRequest, Limit, needs, one_found, page
from headend.api.schemas import Body, Instant, Page, text
from headend.config.ids import WebhookId
from headend.webhooks import queries, services
from headend.webhooks.kinds import KINDS
from headend.webhooks.models import Delivery, Subscription

router = Router(tags=["webhooks"])
_USUAL_LIMIT = 50

KindName = Annotated[str, text(40)]
DeliveryState = Annotated[
    Literal["pending", "delivered", "dead"] | None, Query(description="only those in this state")
]


class WebhookIn(Body):
    """Where which kinds of events are sent."""

    name: Annotated[str, text(100)]
    url: Annotated[str, text(500)]
    kinds: Annotated[list[KindName], Field(min_length=1, max_length=len(KINDS))]


class StateIn(Body):
    """Send, keep the events for later, or end it for good."""

    state: Literal["active", "paused", "ended"]


class ReplayIn(Body):
    """Which events are sent again: one, all since an instant, or those that were given up."""

    event_id: Annotated[str, text(40)] | None = None
    since: Annotated[Instant, Field(strict=False)] | None = None


class WebhookOut(Schema):
    """One webhook."""

    id: WebhookId
    name: str
    url: str
    kinds: list[str]
    state: str
    failures: int  # attempts in a row that failed
    waiting: int
    dead: int  # given up
    last_success_at: datetime | None
    old_secret_until: datetime | None  # until then two secrets sign
    created_at: datetime


class WebhookWithSecretOut(WebhookOut):
    """One webhook and its secret, which is shown this once."""

    secret: str


class DeliveryOut(Schema):
    """How far an event has come."""

    event_id: str
    kind: str
    happened_at: datetime
    state: str
    attempts: int
    last_status: int | None
    last_error: str
    next_attempt_at: datetime | None


class ReplayOut(Schema):
    """How many events are sent again."""

    queued: int


@router.get("/webhooks", **needs("webhooks", Page[WebhookOut]))
def list_webhooks(
    request: KeyRequest, cursor: Cursor = None, limit: Limit = _USUAL_LIMIT
) -> dict[str, Any]:
    """List this program's webhooks, newest first."""
    found = queries.webhooks(request.auth.program)
    return page(found, cursor=cursor, limit=limit, give=_shape)


@router.post("/webhooks", **needs("webhooks", WebhookWithSecretOut))
def subscribe(request: KeyRequest, body: WebhookIn) -> dict[str, Any]:
    """Create a webhook; the answer shows the secret that signs its events.

    It takes no message id, for the secret is kept nowhere to be shown again: after a time-out list
    the webhooks, end the one that is too many and subscribe anew.
    """
    program = request.auth.program
    made = services.subscribe(program=program, **body.model_dump(), by=program, at=timezone.now())
    return _shape(_one(request, made.webhook.pk)) | {"secret": made.text}


@router.get("/webhooks/{webhook_id}", **needs("webhooks", WebhookOut))
def read_webhook(request: KeyRequest, webhook_id: Path[AskedWebhook]) -> dict[str, Any]:
    """Read one of this program's webhooks."""
    return _shape(_one(request, webhook_id))


@router.put("/webhooks/{webhook_id}", **needs("webhooks", WebhookOut))
def change(request: KeyRequest, webhook_id: Path[AskedWebhook], body: WebhookIn) -> dict[str, Any]:
    """Change a webhook's address or its kinds of events."""
    found = _one(request, webhook_id)
    services.change(found, **body.model_dump(), by=request.auth.program, at=timezone.now())
    return _shape(_one(request, webhook_id))


@router.put("/webhooks/{webhook_id}/state", **needs("webhooks", WebhookOut))
def set_state(
    request: KeyRequest, webhook_id: Path[AskedWebhook], body: StateIn
) -> dict[str, Any]:
    """Pause, resume or end a webhook."""
    found = _one(request, webhook_id)
    act = {"active": services.resume, "paused": services.pause, "ended": services.end}[body.state]
    if found.state != body.state:
        act(found, by=request.auth.program, at=timezone.now())
    return _shape(_one(request, webhook_id))


@router.post("/webhooks/{webhook_id}/secret", **needs("webhooks", WebhookWithSecretOut))
def exchange_secret(request: KeyRequest, webhook_id: Path[AskedWebhook]) -> dict[str, Any]:
    """Make a new secret, shown only once; for a day the old one signs as well."""
    found = _one(request, webhook_id)
    made = services.exchange_secret(found, by=request.auth.program, at=timezone.now())
    return _shape(_one(request, webhook_id)) | {"secret": made.text}


@router.post("/webhooks/{webhook_id}/test", **needs("webhooks", DeliveryOut))
def send_test(request: KeyRequest, webhook_id: Path[AskedWebhook]) -> dict[str, Any]:
    """Send a test event."""
    found = _one(request, webhook_id)
    return _delivery(services.send_test(found, by=request.auth.program, at=timezone.now()))


@router.get("/webhooks/{webhook_id}/deliveries", **needs("webhooks", Page[DeliveryOut]))
def list_deliveries(
    request: KeyRequest,
    webhook_id: Path[AskedWebhook],
    state: DeliveryState = None,
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """List a webhook's deliveries with their state, newest first."""
    found = queries.deliveries(state=state or "").filter(subscription=_one(request, webhook_id))
    return page(found, cursor=cursor, limit=limit, give=_delivery)


@router.post("/webhooks/{webhook_id}/replay", **needs("webhooks", ReplayOut))
def replay(request: KeyRequest, webhook_id: Path[AskedWebhook], body: ReplayIn) -> dict[str, Any]:
    """Send events again under the same ids: one, all since a time, or those given up."""
    found = _one(request, webhook_id)
    which = services.which_again(found, event_id=body.event_id, since=body.since)
    return {"queued": services.replay(found, which, by=request.auth.program, at=timezone.now())}


def _one(request: KeyRequest, webhook_id: int) -> Any:
    return one_found(
        queries.webhooks(request.auth.program).filter(pk=webhook_id),
        otherwise="this program has no webhook of that id",
    )


def _shape(one: Any) -> dict[str, Any]:
    webhook: Subscription = one
    return {
        "id": webhook.pk,
        "name": webhook.name,
        "url": webhook.url,
        "kinds": webhook.kinds,
        "state": webhook.state,
        "failures": webhook.failures,
        "waiting": one.waiting,
        "dead": one.dead,
        "last_success_at": webhook.last_success_at,
        "old_secret_until": webhook.old_secret_until,
        "created_at": webhook.created_at,
    }


def _delivery(one: Delivery) -> dict[str, Any]:
    waits = one.state == Delivery.State.PENDING
    return {
        "event_id": one.event.public_id,
        "kind": one.event.kind,
        "happened_at": one.event.at,
        "state": one.state,
        "attempts": one.attempts,
        "last_status": one.last_status,
        "last_error": one.last_error,
        "next_attempt_at": one.next_attempt_at if waits else None,
    }
