"""Which audit entries about vending belong to which object's history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from headend.audit import lives
from headend.fleet.models import Command
from headend.meters.models import KeyChange
from headend.vending.models import IssuedToken, Sale


@lives.part_of("meters.meter")
def of_meter(meter_id: int) -> Iterator[QuerySet[Any]]:
    """A meter's sales, its tokens that were no sale, and the changes of its key."""
    yield Sale.objects.filter(meter=meter_id)
    yield IssuedToken.objects.filter(meter=meter_id, sale=None)
    yield KeyChange.objects.filter(meter=meter_id)


@lives.part_of("customers.customer")
def of_customer(customer_id: int) -> Iterator[QuerySet[Any]]:
    """A customer's sales."""
    yield Sale.objects.filter(agreement__customer=customer_id)


@lives.part_of("customers.supplyagreement")
def of_agreement(agreement_id: int) -> Iterator[QuerySet[Any]]:
    """The sales under an agreement."""
    yield Sale.objects.filter(agreement=agreement_id)


@lives.part_of("customers.premises")
def of_premises(premises_id: int) -> Iterator[QuerySet[Any]]:
    """The sales for a premises."""
    yield Sale.objects.filter(agreement__premises=premises_id)


@lives.part_of("vending.sale")
def of_sale(sale_id: int) -> Iterator[QuerySet[Any]]:
    """The commands that took a sale's tokens to the meter."""
    yield Command.objects.filter(delivers__token__sale=sale_id)
