"""Sums over the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Sum

from headend.ledger.models import Line


@dataclass(frozen=True)
class Balance:
    """What is in one account: debits less credits."""

    code: str
    currency: str
    kind: str
    amount_minor: int


def trial_balance() -> list[Balance]:
    """Return the balance of every account that was ever used, by code; they add up to zero."""
    rows = (
        Line.objects.values("account__code", "account__currency", "account__kind")
        .annotate(total=Sum("amount_minor"))
        .order_by("account__code", "account__currency")
    )
    return [
        Balance(
            code=row["account__code"],
            currency=row["account__currency"],
            kind=row["account__kind"],
            amount_minor=row["total"],
        )
        for row in rows
    ]


def balance_minor(code: str, currency: str) -> int:
    """Return one account's debits less its credits, in minor units."""
    total = Line.objects.filter(account__code=code, account__currency=currency).aggregate(
        total=Sum("amount_minor")
    )["total"]
    return int(total or 0)
