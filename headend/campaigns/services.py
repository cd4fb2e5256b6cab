"""Planning a key campaign, its dry run, and starting, pausing or stopping it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from headend.accounts import approvals
from headend.accounts.models import Approval, User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.campaigns.errors import CampaignNotFound, CampaignState, InvalidCampaign
from headend.campaigns.models import Campaign
from headend.campaigns.selection import Selection
from headend.config.errors import NotPermitted, Refusal
from headend.meters.keys import with_attributes
from headend.meters.models import Meter
from headend.securitymodule.services import usable_vending_key, vending_key_of
from headend.vendors.queries import vendor_of

State = Campaign.State
START_ACT = "campaigns.start"
RUN = "campaigns.run_campaign"
CHANGES = ("sgc", "kt", "krn", "ti", "base_date")


@dataclass(frozen=True)
class DryRun:
    """What a campaign would do, without doing it."""

    selected: int
    have_it_already: int
    under_way: int  # have another key change that is not over
    online: int
    groups: dict[str, int]  # meters to change by supply group
    problems: dict[str, int]  # why a key can't be used -> for how many meters
    unknown_numbers: tuple[str, ...]

    @property
    def to_change(self) -> int:
        """How many meters would get a new key."""
        blocked = sum(self.problems.values())
        return self.selected - self.have_it_already - self.under_way - blocked


@transaction.atomic
def plan(
    *,
    name: str,
    changes: Mapping[str, Any],
    selection: Selection,
    by: User,
    at: datetime,
    reason: str,
    pre_code: bool = True,
    push: bool = True,
) -> Campaign:
    """Write a campaign down; nothing begins before `request_start` is approved.

    Args:
        name: of its own, 1..60 characters.
        changes: new values of sgc, kt, krn, ti or base_date.
        selection: which meters.
        by: who plans it; needs campaigns.run_campaign.
        at: now.
        reason: why.
        pre_code: make the tokens ahead; otherwise at each meter's next purchase.
        push: also send the tokens to meters that are online.

    Raises:
        InvalidCampaign: the name is taken, nothing would change, or nothing is selected.
    """
    _require(by)
    name = name.strip()
    if not 0 < len(name) <= 60:
        raise InvalidCampaign("a campaign has a name of at most 60 characters")
    if Campaign.objects.filter(name=name).exists():
        raise InvalidCampaign(f"there is a campaign “{name}” already; give this one another name")
    if not changes or not set(changes) <= set(CHANGES):
        raise InvalidCampaign(f"a campaign changes some of {', '.join(CHANGES)}")
    selection.require_something()
    campaign = Campaign.objects.create(
        name=name,
        changes=dict(changes),
        selection=selection.as_kept,
        pre_code=pre_code,
        push=push,
        reason=reason[:300],
        created_by=by,
        created_at=at,
    )
    audit.record(
        actor=by,
        action="campaigns.plan",
        target=campaign,
        at=at,
        after={"changes": campaign.changes, "selection": selection.in_words},
        reason=reason,
    )
    return campaign


def dry_run(campaign: Campaign, *, at: datetime) -> DryRun:
    """Say what a campaign would do. Nothing changes.

    Args:
        campaign: in any state.
        at: now.
    """
    selection = Selection.of(campaign.selection)
    selected = already = under_way = online = 0
    groups: Counter[str] = Counter()
    problems: Counter[str] = Counter()
    keys: dict[tuple[Any, ...], str] = {}  # key attributes -> why they can't be used, or ""
    for meters in selection.batches(at=at):
        selected += len(meters)
        present = set(
            Meter.objects.filter(pk__in=[one.pk for one in meters], link__online=True).values_list(
                "pk", flat=True
            )
        )
        for meter in meters:
            if has_it(meter, campaign.changes):
                already += 1
                continue
            if meter.has_key_change_due:
                under_way += 1
                continue
            problem = _problem(meter, campaign.changes, at, keys)
            if problem:
                problems[problem] += 1
                continue
            groups[meter.sgc] += 1
            online += meter.pk in present
    return DryRun(
        selected=selected,
        have_it_already=already,
        under_way=under_way,
        online=online,
        groups=dict(groups),
        problems=dict(problems),
        unknown_numbers=tuple(selection.unknown_numbers()),
    )


def has_it(meter: Meter, changes: Mapping[str, Any]) -> bool:
    """Say whether a meter has all that a campaign would change."""
    return all(getattr(meter, name) == value for name, value in changes.items())


def request_start(campaign: Campaign, *, by: User, at: datetime) -> Approval:
    """Ask for a campaign to be started; it begins when somebody else approves.

    Raises:
        CampaignState: it was started before.
        InvalidCampaign: no meter would be changed.
    """
    _require(by)
    _require_state(campaign, State.DRAFT)
    if open_request(campaign) is not None:
        raise CampaignState(f"the start of {campaign} waits for approval already")
    tried = dry_run(campaign, at=at)
    if not tried.to_change:
        told = "; ".join(tried.problems) or "all meters have that key, or none is selected"
        raise InvalidCampaign(f"{campaign} would change no meter: {told}")
    return approvals.request(
        START_ACT,
        {"campaign": campaign.pk},
        by,
        at,
        campaign.reason,
        f"Start the key campaign {campaign}: {tried.to_change} meters of "
        f"{Selection.of(campaign.selection).in_words} to {changes_in_words(campaign.changes)}",
    )


def open_request(campaign: Campaign) -> Approval | None:
    """Return the request to start a campaign that waits for a second person."""
    return Approval.objects.filter(
        act=START_ACT, state=Approval.OPEN, arguments__campaign=campaign.pk
    ).first()


def start(campaign: Campaign, *, by: User, approved_by: User, at: datetime) -> Campaign:
    """Start a campaign that two people agreed on; call it in the transaction of the approval.

    Raises:
        CampaignState: it was started before.
        NotPermitted: both are one person.
    """
    _require(by)
    if by == approved_by:
        raise NotPermitted("a campaign is started by two people")
    campaign = _locked(campaign)
    _require_state(campaign, State.DRAFT)
    campaign.started_by, campaign.approved_by, campaign.started_at = by, approved_by, at
    campaign.save(update_fields=["started_by", "approved_by", "started_at"])
    return _move(campaign, State.RUNNING, by=by, at=at, reason=f"approved by {approved_by}")


@transaction.atomic
def pause(campaign: Campaign, *, by: User, at: datetime, reason: str) -> Campaign:
    """Make and send nothing more for now; what is prepared is still handed out.

    Raises:
        CampaignState: it does not run.
    """
    _require(by)
    campaign = _locked(campaign)
    _require_state(campaign, State.RUNNING)
    return _move(campaign, State.PAUSED, by=by, at=at, reason=reason)


@transaction.atomic
def resume(campaign: Campaign, *, by: User, at: datetime, reason: str) -> Campaign:
    """Go on where it was paused.

    Raises:
        CampaignState: it is not paused.
    """
    _require(by)
    campaign = _locked(campaign)
    _require_state(campaign, State.PAUSED)
    return _move(campaign, State.RUNNING, by=by, at=at, reason=reason)


@transaction.atomic
def stop(campaign: Campaign, *, by: User, at: datetime, reason: str) -> Campaign:
    """End a campaign for good: what nobody was given is taken back, batch by batch.

    Tokens that were given out stay: their meters are on the way to the new key.

    Raises:
        CampaignState: it has ended.
    """
    _require(by)
    campaign = _locked(campaign)
    _require_state(campaign, State.DRAFT, State.RUNNING, State.PAUSED)
    return _move(campaign, State.STOPPED, by=by, at=at, reason=reason)


@transaction.atomic
def retry_failed(campaign: Campaign, *, by: User, at: datetime, reason: str) -> int:
    """Have the meters tried again that were refused without a key change; return how many.

    Raises:
        CampaignState: it does not run, nor is it paused.
    """
    _require(by)
    campaign = _locked(campaign)
    _require_state(campaign, State.RUNNING, State.PAUSED)
    failed = campaign.rows.filter(key_change=None).exclude(failure="")
    count = failed.update(failure="", explanation="")
    audit.record(
        actor=by,
        action="campaigns.retry_failed",
        target=campaign,
        at=at,
        after={"meters": count},
        reason=reason,
    )
    return count


def named(name: str) -> Campaign:
    """Return a campaign by its name.

    Raises:
        CampaignNotFound: there is none.
    """
    campaign = Campaign.objects.filter(name=name).first()
    if campaign is None:
        raise CampaignNotFound(f"no key campaign is called {name!r}")
    return campaign


_NAMES = {
    "sgc": "SGC", "kt": "key type", "krn": "KRN", "ti": "tariff index", "base_date": "base date",
}  # fmt: skip


def changes_in_words(changes: Mapping[str, Any]) -> str:
    """Return what a campaign changes to, for a person."""
    return ", ".join(f"{_NAMES[name]} {value}" for name, value in changes.items())


def _problem(
    meter: Meter, changes: Mapping[str, Any], at: datetime, known: dict[tuple[Any, ...], str]
) -> str:
    """Return why a meter's keys can't be used, or nothing; each pair is looked up once."""
    try:
        changed = with_attributes(meter, changes)
    except Refusal as refusal:
        return str(refusal).partition(": ")[2] or str(refusal)
    if changed.base_date < meter.base_date:
        return "the base date would go back"
    key = tuple(getattr(one, name) for one in (meter, changed) for name in _OF_A_KEY)
    if key not in known:
        known[key] = _missing_key(meter, changed, at)
    return known[key]


_OF_A_KEY = ("sgc", "kt", "krn", "base_date", "dkga")


def _missing_key(meter: Meter, changed: Meter, at: datetime) -> str:
    try:
        vending_key_of(meter)
    except Refusal:
        return f"no vending key of {_key_in_words(meter)}, which the meters have now; load it"
    try:
        usable_vending_key(changed, at)
    except Refusal:
        return (
            f"no usable vending key of {_key_in_words(changed)}; load it, or wait until it is "
            "active"
        )
    return ""


def _key_in_words(meter: Meter) -> str:
    return (
        f"SGC {meter.sgc} KT {meter.kt} KRN {meter.krn} base {meter.base_date} "
        f"DKGA{meter.dkga:02d}"
    )


def _locked(campaign: Campaign) -> Campaign:
    return Campaign.objects.select_for_update().get(pk=campaign.pk)


def _require(by: User) -> None:
    require(by, RUN)
    if vendor_of(by) is not None:
        raise NotPermitted(f"{by.username} belongs to a vendor; only the utility may do this")


def _require_state(campaign: Campaign, *states: Campaign.State) -> None:
    if campaign.state not in states:
        raise CampaignState(f"the campaign {campaign} is {campaign.state}")


def _move(
    campaign: Campaign, state: Campaign.State, *, by: User, at: datetime, reason: str
) -> Campaign:
    before = campaign.state
    campaign.state = state
    if state == State.STOPPED:
        campaign.ended_at = at
    campaign.save(update_fields=["state", "ended_at"])
    audit.record(
        actor=by,
        action=f"campaigns.{_VERBS[state]}",
        target=campaign,
        at=at,
        before={"state": before},
        after={"state": state},
        reason=reason,
    )
    return campaign


_VERBS = {State.RUNNING: "run", State.PAUSED: "pause", State.STOPPED: "stop"}
