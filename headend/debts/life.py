"""Which audit entries about debts belong to a customer's history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from headend.audit import lives
from headend.debts.models import Debt


@lives.part_of("customers.customer")
def of_customer(customer_id: int) -> Iterator[QuerySet[Any]]:
    """The debts of a customer."""
    yield Debt.objects.filter(customer=customer_id)
