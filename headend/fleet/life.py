"""Which audit entries about the fleet belong to a meter's history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from headend.audit import lives
from headend.fleet.models import Command, WorkItem


@lives.part_of("meters.meter")
def of_meter(meter_id: int) -> Iterator[QuerySet[Any]]:
    """A meter's commands and work items."""
    yield Command.objects.filter(meter=meter_id)
    yield WorkItem.objects.filter(meter=meter_id)
