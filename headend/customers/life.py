"""Which audit entries about customers, premises and agreements belong to which history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from headend.audit import lives
from headend.customers.models import Customer, Premises, SupplyAgreement
from headend.meters.models import Meter


@lives.part_of("customers.customer")
def of_customer(customer_id: int) -> Iterator[QuerySet[Any]]:
    """A customer's agreements, and the premises and meters they were about."""
    agreements = SupplyAgreement.objects.filter(customer=customer_id)
    yield agreements
    yield Premises.objects.filter(agreements__in=agreements)
    yield from _meters(agreements)


@lives.part_of("customers.premises")
def of_premises(premises_id: int) -> Iterator[QuerySet[Any]]:
    """The agreements at a premises, and the meters that stood there."""
    agreements = SupplyAgreement.objects.filter(premises=premises_id)
    yield agreements
    yield from _meters(agreements)


@lives.part_of("meters.meter")
def of_meter(meter_id: int) -> Iterator[QuerySet[Any]]:
    """The agreements that a meter served, and their customers."""
    for agreements in (
        SupplyAgreement.objects.filter(meter=meter_id),
        SupplyAgreement.objects.filter(former_meters__meter=meter_id),
    ):
        yield agreements
        yield Customer.objects.filter(agreements__in=agreements)


def _meters(agreements: QuerySet[SupplyAgreement]) -> Iterator[QuerySet[Any]]:
    yield Meter.objects.filter(agreements__in=agreements)
    yield Meter.objects.filter(former_agreements__agreement__in=agreements)
