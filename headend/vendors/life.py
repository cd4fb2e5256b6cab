"""Which audit entries about vendors belong to which object's history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from headend.audit import lives
from headend.vendors.models import Shift


@lives.part_of("vendors.vendor")
def of_vendor(vendor_id: int) -> Iterator[QuerySet[Any]]:
    """A vendor's shifts."""
    yield Shift.objects.filter(vendor=vendor_id)
