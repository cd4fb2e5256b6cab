"""Which audit entries about campaigns belong to which object's history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from headend.accounts.models import Approval
from headend.audit import lives
from headend.campaigns.services import START_ACT
from headend.meters.models import KeyChange


@lives.part_of("campaigns.campaign")
def of_campaign(campaign_id: int) -> Iterator[QuerySet[Any]]:
    """A campaign's request, and its latest key changes."""
    yield Approval.objects.filter(act=START_ACT, arguments__campaign=campaign_id)
    yield KeyChange.objects.filter(campaign_rows__campaign=campaign_id)
