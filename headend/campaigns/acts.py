"""Starting a key campaign needs a second person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from headend.accounts import approvals
from headend.accounts.models import User
from headend.campaigns import services
from headend.campaigns.models import Campaign


@approvals.act(
    services.START_ACT,
    title="Start a key campaign",
    permission=services.RUN,
    approve_permission="campaigns.approve_campaign",
)
def perform_start(
    *, arguments: dict[str, Any], by: User, approved_by: User, at: datetime
) -> Campaign:
    """Start the campaign that was asked for."""
    campaign = Campaign.objects.get(pk=arguments["campaign"])
    return services.start(campaign, by=by, approved_by=approved_by, at=at)
