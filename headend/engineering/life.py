"""Which audit entries about engineering tokens belong to a meter's history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from headend.accounts.models import Approval
from headend.audit import lives
from headend.engineering.acts import ACT_NAMES


@lives.part_of("meters.meter")
def of_meter(meter_id: int) -> Iterator[QuerySet[Any]]:
    """What was asked for a meter and waited for a second person."""
    yield Approval.objects.filter(act__in=ACT_NAMES, arguments__meter=meter_id)
