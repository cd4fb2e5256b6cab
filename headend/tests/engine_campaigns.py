"""What can happen to key campaigns: planned, approved, worked at, paused, stopped."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from headend.accounts import approvals
from headend.campaigns import progress, running, services
from headend.campaigns.errors import CampaignState, InvalidCampaign
from headend.campaigns.models import Campaign
from headend.campaigns.selection import Selection
from headend.meters.models import KeyChange, Meter
from headend.securitymodule.services import DEMONSTRATION_SGC
from headend.tests.engine import which
from headend.tests.engine_sales import EXHAUSTED
from headend.tests.engine_tokens import REVISIONS, Tokens
from headend.vending import key_changes

ACTS = {
    "pause": services.pause,
    "resume": services.resume,
    "stop": services.stop,
    "retry": services.retry_failed,
}
NOW_BASE = 2014
_MAY_WORK = (Campaign.State.RUNNING, Campaign.State.STOPPED)


class Campaigns(Tokens):
    """The supply group goes over to its next key revision; old meters to a later base date."""

    @rule(
        revision=st.sampled_from(REVISIONS),
        pre_code=st.booleans(),
        push=st.booleans(),
        rolls_over=st.booleans(),
        is_approved=st.sampled_from([True, True, False]),
    )
    def plan_a_campaign(
        self, revision: int, pre_code: bool, push: bool, rolls_over: bool, is_approved: bool
    ) -> None:
        """It begins when somebody else approves, if there is a meter for it."""
        changes: dict[str, Any] = {"krn": revision}
        if rolls_over:
            changes["base_date"] = NOW_BASE
        base_date = EXHAUSTED if rolls_over else NOW_BASE
        campaign = services.plan(
            name=self.new_message(),
            changes=changes,
            selection=Selection(sgc=DEMONSTRATION_SGC, base_date=base_date),
            by=self.by,
            at=self.at,
            reason="test",
            pre_code=pre_code,
            push=push,
        )
        meant = Meter.objects.filter(status="installed", base_date=base_date)
        open_ones = meant.exclude(krn=revision, base_date=NOW_BASE)
        try:
            request = services.request_start(campaign, by=self.by, at=self.at)
        except InvalidCampaign:
            assert not open_ones.filter(has_key_change_due=False).exists()
            return
        assert open_ones.exists()
        if is_approved:
            approvals.approve(request, self.checker, self.at)

    @precondition(lambda _: Campaign.objects.filter(state__in=_MAY_WORK).exists())
    @rule(number=which, pieces=st.integers(1, 4))
    def a_campaign_goes_on(self, number: int, pieces: int) -> None:
        """A piece of work at a time, as its worker does."""
        campaign = self.a_campaign(number, *_MAY_WORK)
        for _ in range(pieces):
            if running.advance(campaign, at=self.at).is_nothing:
                break

    @precondition(lambda _: Campaign.objects.exists())
    @rule(number=which, act=st.sampled_from(sorted(ACTS)))
    def decide_on_a_campaign(self, number: int, act: str) -> None:
        """Each decision is for some states only."""
        campaign = self.a_campaign(number)
        state = campaign.state
        try:
            ACTS[act](campaign, by=self.by, at=self.at, reason="test")
        except CampaignState:
            return
        allowed = {
            "pause": ("running",),
            "resume": ("paused",),
            "stop": ("draft", "running", "paused"),
            "retry": ("running", "paused"),
        }
        assert state in allowed[act]

    def a_campaign(self, number: int, *states: str) -> Campaign:
        """Return one of the campaigns, in one of some states."""
        found = Campaign.objects.order_by("pk")
        if states:
            found = found.filter(state__in=states)
        return found[number % len(found)]

    @invariant()
    def campaigns_tell_where_each_meter_is(self) -> None:
        """Each meter of a campaign is at one stage; what has ended left nothing on its way."""
        for campaign in Campaign.objects.all():
            counted = progress.in_all(progress.progress(campaign))
            assert counted.total == campaign.rows.count()
            if campaign.state == Campaign.State.FINISHED:
                on_their_way = campaign.rows.filter(key_change__state__in=key_changes.UNDER_WAY)
                assert not on_their_way.exists()

    @invariant()
    def a_meter_is_vended_for_under_one_key(self) -> None:
        """That of before until a change is issued, then the new one; due is what is under way."""
        for wall in self.walls:
            meter = wall.meter
            change = key_changes.under_way(meter)
            assert meter.has_key_change_due == (change is not None)
            if change is not None:
                is_issued = change.state == KeyChange.State.ISSUED
                key = change.after if is_issued else change.before
                assert (meter.krn, meter.base_date) == (key["krn"], key["base_date"])
