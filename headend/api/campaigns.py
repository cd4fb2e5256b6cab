"""Key campaigns: plan, dry run, request the start, progress, pause and stop."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from headend.api.approvals import ApprovalOut, request_once
from headend.api.ids import AskedCampaign
from headend.api.once import asked_once
from headend.api.requests import Cursor, KeyRequest, Limit, needs, one_found, page
from headend.api.schemas import Body, MessageIn, Page, text
from headend.campaigns import progress, services
from headend.campaigns.models import Campaign
from headend.campaigns.selection import Selection
from headend.config.ids import CampaignId

router = Router(tags=["campaigns"])
_USUAL_LIMIT = 50
_MOST_LISTED = 10_000

Sgc = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
Krn = Annotated[int, Field(ge=1, le=9)]
BaseDate = Literal[1993, 2014, 2035]
Drn = Annotated[str, Field(pattern=r"^([0-9]{11}|[0-9]{13})$", max_length=13)]
Stage = Literal["pending", "prepared", "pushed", "handed out", "confirmed", "failed", "withdrawn"]


class KeyOfMeters(Body):
    """New key attributes; what is left out stays."""

    sgc: Sgc | None = None
    kt: Annotated[int, Field(ge=0, le=3)] | None = None
    krn: Krn | None = None
    ti: Annotated[int, Field(ge=0, le=99)] | None = None
    base_date: BaseDate | None = None


class WhichMeters(Body):
    """Installed meters of a supply group that fit all that is given; or meters by number."""

    sgc: Sgc | None = None
    krn: Krn | None = None
    base_date: BaseDate | None = None
    tariff: Annotated[str, text(40, shortest=0)] = ""
    address: Annotated[str, text(100, shortest=0)] = ""  # a part of it
    meters: Annotated[list[Drn], Field(max_length=_MOST_LISTED)] = []


class CampaignIn(MessageIn):
    """A campaign to plan; nothing begins with it."""

    name: Annotated[str, text(60)]
    changes: KeyOfMeters
    meters: WhichMeters
    pre_code: bool = True  # the tokens are made ahead; otherwise with each next purchase
    push: bool = True  # also sent to meters that are online
    reason: Annotated[str, text(300)]


class StepIn(MessageIn):
    """Why it is paused, goes on, is stopped or tries again."""

    reason: Annotated[str, text(200)]


class CampaignOut(Schema):
    """One campaign."""

    id: CampaignId
    name: str
    state: str  # draft, running, paused, stopped or finished
    changes: dict[str, Any]
    meters: str  # which, in words
    pre_code: bool
    push: bool
    reason: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class GroupOut(Schema):
    """How far a supply group is: meters by stage."""

    sgc: str
    stages: dict[str, int]


class FailureOut(Schema):
    """Why meters got no new key."""

    code: str
    explanation: str
    meters: int


class CampaignProgressOut(CampaignOut):
    """One campaign and how far it is."""

    groups: list[GroupOut]
    failures: list[FailureOut]


class DryRunOut(Schema):
    """What a campaign would do."""

    selected: int
    to_change: int
    have_it_already: int
    under_way: int  # have another key change that is not over
    online: int
    groups: dict[str, int]  # meters to change by supply group
    problems: dict[str, int]  # why a key can't be used, and for how many meters
    unknown_numbers: list[str]


class CampaignMeterOut(Schema):
    """How far one meter is."""

    meter: str
    sgc: str
    stage: str
    failure: str
    explanation: str
    prepared_at: datetime | None
    issued_at: datetime | None
    ended_at: datetime | None


@router.get("/campaigns", **needs("campaigns", Page[CampaignOut]))
def list_campaigns(
    request: KeyRequest, cursor: Cursor = None, limit: Limit = _USUAL_LIMIT
) -> dict[str, Any]:
    """List key campaigns, newest first."""
    return page(Campaign.objects.all(), cursor=cursor, limit=limit, give=_shape)


@router.post("/campaigns", **needs("campaigns", CampaignOut))
def plan_campaign(request: KeyRequest, body: CampaignIn) -> dict[str, Any]:
    """Plan a key campaign, once per message id; this does not start it."""
    now = timezone.now()
    selection = Selection(
        **body.meters.model_dump(exclude={"meters", "sgc"}), **_listed(body.meters)
    )

    def act() -> dict[str, Any]:
        made = services.plan(
            name=body.name,
            changes=body.changes.model_dump(exclude_none=True),
            selection=selection,
            by=request.auth.program,
            at=now,
            reason=body.reason,
            pre_code=body.pre_code,
            push=body.push,
        )
        return _shape(made)

    return asked_once(request.auth, "campaigns", body, at=now, act=act)


@router.get("/campaigns/{campaign_id}", **needs("campaigns", CampaignProgressOut))
def read_campaign(request: KeyRequest, campaign_id: Path[AskedCampaign]) -> dict[str, Any]:
    """Read a campaign's progress: meters by supply group and stage, and what failed."""
    found = _one(campaign_id)
    groups = [
        {"sgc": group.sgc, "stages": dict(group.stages)} for group in progress.progress(found)
    ]
    failures = [
        {"code": code, "explanation": explanation, "meters": count}
        for code, explanation, count in progress.failures(found)
    ]
    return _shape(found) | {"groups": groups, "failures": failures}


@router.get("/campaigns/{campaign_id}/dry-run", **needs("campaigns", DryRunOut))
def try_campaign(request: KeyRequest, campaign_id: Path[AskedCampaign]) -> dict[str, Any]:
    """Report what a campaign would do now, without changing anything."""
    tried = services.dry_run(_one(campaign_id), at=timezone.now())
    return {name: getattr(tried, name) for name in DryRunOut.model_fields}


@router.get("/campaigns/{campaign_id}/meters", **needs("campaigns", Page[CampaignMeterOut]))
def report_campaign(
    request: KeyRequest,
    campaign_id: Path[AskedCampaign],
    stage: Annotated[Stage | None, Query(description="only those at this stage")] = None,
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """List the meters of a campaign with their progress, last enrolled first."""
    found = progress.staged(_one(campaign_id)).select_related("meter", "key_change")
    if stage is not None:
        found = found.filter(stage=stage)
    return page(found, cursor=cursor, limit=limit, give=_row)


@router.post("/campaigns/{campaign_id}/start", **needs("campaigns", ApprovalOut))
def request_start(
    request: KeyRequest, campaign_id: Path[AskedCampaign], body: MessageIn
) -> dict[str, Any]:
    """Request the start of a campaign; a person decides. Once per message id."""
    ask = partial(services.request_start, _one(campaign_id))
    return request_once(request, f"start {campaign_id}", body, ask)


@router.post("/campaigns/{campaign_id}/pause", **needs("campaigns", CampaignOut))
def pause_campaign(
    request: KeyRequest, campaign_id: Path[AskedCampaign], body: StepIn
) -> dict[str, Any]:
    """Pause a campaign: make and send no more tokens for now. Once per message id."""
    return _step(request, campaign_id, body, "pause", services.pause)


@router.post("/campaigns/{campaign_id}/resume", **needs("campaigns", CampaignOut))
def resume_campaign(
    request: KeyRequest, campaign_id: Path[AskedCampaign], body: StepIn
) -> dict[str, Any]:
    """Resume a paused campaign. Once per message id."""
    return _step(request, campaign_id, body, "resume", services.resume)


@router.post("/campaigns/{campaign_id}/stop", **needs("campaigns", CampaignOut))
def stop_campaign(
    request: KeyRequest, campaign_id: Path[AskedCampaign], body: StepIn
) -> dict[str, Any]:
    """End a campaign for good and withdraw tokens not yet handed out. Once per message id."""
    return _step(request, campaign_id, body, "stop", services.stop)


@router.post("/campaigns/{campaign_id}/retry", **needs("campaigns", CampaignOut))
def retry_campaign(
    request: KeyRequest, campaign_id: Path[AskedCampaign], body: StepIn
) -> dict[str, Any]:
    """Retry the meters that were refused before they had tokens. Once per message id."""
    return _step(request, campaign_id, body, "retry", services.retry_failed)


def _step(
    request: KeyRequest, campaign_id: int, body: StepIn, what: str, do: Any
) -> dict[str, Any]:
    now, found = timezone.now(), _one(campaign_id)

    def act() -> dict[str, Any]:
        do(found, by=request.auth.program, at=now, reason=body.reason)
        return _shape(Campaign.objects.get(pk=found.pk))

    return asked_once(request.auth, f"{what} {campaign_id}", body, at=now, act=act)


def _listed(which: WhichMeters) -> dict[str, Any]:
    return {"sgc": which.sgc or "", "meters": tuple(dict.fromkeys(which.meters))}


def _one(campaign_id: int) -> Campaign:
    return one_found(
        Campaign.objects.filter(pk=campaign_id), otherwise="there is no key campaign of that id"
    )


def _shape(one: Campaign) -> dict[str, Any]:
    return {
        "id": one.pk,
        "name": one.name,
        "state": str(one.state),
        "changes": one.changes,
        "meters": Selection.of(one.selection).in_words,
        "pre_code": one.pre_code,
        "push": one.push,
        "reason": one.reason,
        "created_at": one.created_at,
        "started_at": one.started_at,
        "ended_at": one.ended_at,
    }


def _row(row: Any) -> dict[str, Any]:
    change = row.key_change
    return {
        "meter": row.meter.drn,
        "sgc": row.meter.sgc,
        "stage": row.stage,
        "failure": row.failure,
        "explanation": row.explanation,
        "prepared_at": change.prepared_at if change else None,
        "issued_at": change.issued_at if change else None,
        "ended_at": change.ended_at if change else None,
    }
