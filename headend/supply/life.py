"""Which audit entries about closings, moves and replacements belong to which history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet

from headend.audit import lives
from headend.supply.models import Closing, ModeSwitch, MoveIn, Replacement


def _of(agreements: dict[str, Any]) -> Iterator[QuerySet[Any]]:
    for model in (Closing, MoveIn, Replacement, ModeSwitch):
        yield model._default_manager.filter(**agreements)


@lives.part_of("customers.customer")
def of_customer(customer_id: int) -> Iterator[QuerySet[Any]]:
    """How a customer's supplies began, changed and ended."""
    yield from _of({"agreement__customer": customer_id})


@lives.part_of("customers.supplyagreement")
def of_agreement(agreement_id: int) -> Iterator[QuerySet[Any]]:
    """How a supply began, changed and ended."""
    yield from _of({"agreement": agreement_id})


@lives.part_of("customers.premises")
def of_premises(premises_id: int) -> Iterator[QuerySet[Any]]:
    """Who moved in and out, and which meters were replaced."""
    yield from _of({"agreement__premises": premises_id})


@lives.part_of("meters.meter")
def of_meter(meter_id: int) -> Iterator[QuerySet[Any]]:
    """What was settled at a meter, what it replaced and what replaced it."""
    yield Closing.objects.filter(agreement__meter=meter_id)
    yield MoveIn.objects.filter(agreement__meter=meter_id)
    yield Replacement.objects.filter(Q(old_meter=meter_id) | Q(new_meter=meter_id))
    yield ModeSwitch.objects.filter(meter=meter_id)
