"""Works on running campaigns, a part at a time, each meter in a transaction of its own.

Whatever stops in the middle, the next call goes on where it was; two programs at once do no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from headend.campaigns.models import Campaign, CampaignMeter
from headend.campaigns.selection import Selection
from headend.campaigns.services import has_it
from headend.config.errors import Refusal
from headend.fleet.delivery import State as Delivery
from headend.fleet.models import Command
from headend.fleet.wording import answer_of
from headend.meters.models import KeyChange
from headend.securitymodule.services import refusals_recorded
from headend.vending import key_changes

State = Campaign.State
AT_ONCE = 100  # meters of one piece of work
PUSH_REFUSED = "push_refused"


@dataclass(frozen=True)
class Work:
    """What one call has done, in meters."""

    enrolled: int = 0
    prepared: int = 0
    pushed: int = 0
    withdrawn: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether there was nothing left to do for now."""
        return not (self.enrolled or self.prepared or self.pushed or self.withdrawn)


def advance(campaign: Campaign, *, at: datetime) -> Work:
    """Do the next piece of a campaign's work.

    Args:
        campaign: read again; a draft, a paused or a finished one has nothing to do.
        at: now.

    Returns:
        Work: nothing if all that can be done now is done.
    """
    campaign.refresh_from_db()
    if campaign.state == State.STOPPED:
        return Work(withdrawn=_take_back(campaign, at))
    if campaign.state != State.RUNNING:
        return Work()
    if not campaign.is_enrolled:
        return Work(enrolled=_enrol(campaign, at))
    prepared = _each(_pending(campaign), at, lambda row: _prepare(row, at))
    pushed = _each(_to_push(campaign), at, lambda row: _push(row, at)) if campaign.push else 0
    _note_refusals(campaign)
    if not prepared and not pushed:
        _finish_if_done(campaign, at)
    return Work(prepared=prepared, pushed=pushed)


def with_work() -> QuerySet[Campaign]:
    """Return the campaigns that may have something to do."""
    return Campaign.objects.filter(state__in=(State.RUNNING, State.STOPPED)).order_by("pk")


@transaction.atomic
def _enrol(campaign: Campaign, at: datetime) -> int:
    """Take the next batch of the selection in; meters that have the key already are left out."""
    campaign = Campaign.objects.select_for_update().get(pk=campaign.pk)
    selection = Selection.of(campaign.selection)
    meters, place = selection.batch(campaign.enrolled_up_to, at=at)
    CampaignMeter.objects.bulk_create(
        (
            CampaignMeter(campaign=campaign, meter=meter)
            for meter in meters
            if not has_it(meter, campaign.changes)
        ),
        ignore_conflicts=True,
    )
    if place is None:
        campaign.is_enrolled = True
    else:
        campaign.enrolled_up_to = place
    campaign.save(update_fields=["is_enrolled", "enrolled_up_to"])
    return max(len(meters), 1)


def _pending(campaign: Campaign) -> QuerySet[CampaignMeter]:
    return campaign.rows.filter(key_change=None, failure="").order_by("pk")


def _to_push(campaign: Campaign) -> QuerySet[CampaignMeter]:
    return campaign.rows.filter(
        key_change__state__in=key_changes.UNDER_WAY,
        key_change__pushed_at=None,
        failure="",
        meter__link__online=True,
    ).order_by("pk")


def _each(rows: QuerySet[CampaignMeter], at: datetime, do: Callable[[CampaignMeter], None]) -> int:
    """Do something with each of the next rows, in a transaction of its own; count them.

    A refusal becomes the row's failure.
    """
    locked = CampaignMeter.objects.select_for_update(of=("self",)).select_related(
        "campaign__started_by", "key_change", "meter"
    )
    taken = list(rows.values_list("pk", flat=True)[:AT_ONCE])
    for pk in taken:
        try:
            with refusals_recorded(by=None, at=at), transaction.atomic():
                row = locked.get(pk=pk)
                do(row)
        except Refusal as refusal:
            CampaignMeter.objects.filter(pk=pk, failure="").update(
                failure=refusal.code[:60], explanation=str(refusal)[:300]
            )
    return len(taken)


def _prepare(row: CampaignMeter, at: datetime) -> None:
    if row.key_change_id is not None or row.failure:
        return
    campaign = row.campaign
    assert campaign.started_by is not None, "a campaign runs only once it was started"
    row.key_change = key_changes.prepare(
        row.meter,
        changes=campaign.changes,
        by=campaign.started_by,
        at=at,
        reason=f"campaign {campaign}",
        with_tokens=campaign.pre_code,
        source="campaign",
    )
    row.save(update_fields=["key_change"])


def _push(row: CampaignMeter, at: datetime) -> None:
    change = row.key_change
    assert change is not None
    change.refresh_from_db()
    if change.state in key_changes.UNDER_WAY and change.pushed_at is None:
        key_changes.push(change, by=None, at=at)


def _note_refusals(campaign: Campaign) -> None:
    """Say of the rows whose tokens the meter refused why, unless it has its key all the same."""
    refused = (
        Command.objects.filter(
            state=Delivery.REJECTED,
            delivers__token__key_change__campaign_rows__campaign=campaign,
            delivers__token__key_change__campaign_rows__failure="",
            delivers__token__key_change__state=KeyChange.State.ISSUED,
        )
        .select_related("meter")
        .order_by("pk")[:AT_ONCE]
    )
    for command in refused:
        campaign.rows.filter(meter=command.meter, failure="").update(
            failure=PUSH_REFUSED,
            explanation=f"meter {command.meter} refused a token of its new key: "
            f"{answer_of(command)}"[:300],
        )


def _take_back(campaign: Campaign, at: datetime) -> int:
    """Take the next changes back that nobody was given."""
    rows = campaign.rows.filter(key_change__state=KeyChange.State.PREPARED).order_by("pk")

    def withdraw(row: CampaignMeter) -> None:
        change = row.key_change
        assert change is not None
        change.refresh_from_db()
        if change.state == KeyChange.State.PREPARED:
            key_changes.withdraw(
                change, by=campaign.started_by, at=at, reason=f"campaign {campaign} was stopped"
            )

    return _each(rows, at, withdraw)


@transaction.atomic
def _finish_if_done(campaign: Campaign, at: datetime) -> None:
    """End a campaign of which no meter is on its way any more."""
    on_their_way = campaign.rows.filter(key_change__state__in=key_changes.UNDER_WAY) | _pending(
        campaign
    )
    if not on_their_way.exists():
        Campaign.objects.filter(pk=campaign.pk, state=State.RUNNING).update(
            state=State.FINISHED, ended_at=at
        )
