"""People and meters for campaigns."""

from __future__ import annotations

from typing import Any

import pytest

from headend.accounts import approvals
from headend.accounts.models import User
from headend.accounts.services import create_user
from headend.campaigns import running, services
from headend.campaigns.models import Campaign
from headend.campaigns.selection import Selection
from headend.fleet.models import MeterLink
from headend.meters.models import Meter
from headend.securitymodule.services import DEMONSTRATION_SGC
from headend.testing import NOON, make_supply

NEXT_REVISION = {"krn": 2}


@pytest.fixture
def engineer(db: None) -> User:
    """Who runs campaigns."""
    return create_user(username="engineer", password=None, groups=("engineer",))


@pytest.fixture
def approver(db: None) -> User:
    """Who approves them."""
    return create_user(username="approver", password=None, groups=("approver",))


def meters(count: int, *, online: bool = False) -> list[Meter]:
    """Return supplied meters of the demonstration group."""
    made = [make_supply().meter for _ in range(count)]
    for meter in made if online else ():
        MeterLink.objects.create(meter=meter, online=True)
    return made


def planned(by: User, **more: Any) -> Campaign:
    """Return a campaign that brings the demonstration group to its next revision."""
    wanted: dict[str, Any] = {
        "name": "revision 2",
        "changes": NEXT_REVISION,
        "selection": Selection(sgc=DEMONSTRATION_SGC),
        "reason": "the old key is ten years old",
    } | more
    return services.plan(by=by, at=NOON, **wanted)


def started(by: User, approver: User, **more: Any) -> Campaign:
    """Return a running campaign."""
    campaign = planned(by, **more)
    approvals.approve(services.request_start(campaign, by=by, at=NOON), by=approver, at=NOON)
    campaign.refresh_from_db()
    return campaign


def worked(campaign: Campaign) -> None:
    """Do all the work that a campaign has for now."""
    while not running.advance(campaign, at=NOON).is_nothing:
        pass
    campaign.refresh_from_db()
