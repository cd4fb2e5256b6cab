"""What a purchase pays towards debts: split off when it is priced, collected when it is sold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial

from django.conf import settings

from headend.customers.models import SupplyAgreement
from headend.debts.allocation import OpenDebt, allocate
from headend.debts.errors import PurchasesBlocked
from headend.debts.queries import collectable, energy_floor
from headend.debts.services import collect
from headend.design import figures
from headend.tariffs.context import Deduction
from headend.tariffs.pricing import Deductions, PriceLine

DEBT = "debt"  # the kind of line


def deductions(
    agreement: SupplyAgreement,
    *,
    tender_minor: int,
    at: datetime,
    lock: bool = False,
    waive_floor: bool = False,
) -> Deductions:
    """Return the part of a tender that goes to debts, for the price calculation.

    Args: as for `deductions_of`, and
        tender_minor: money handed over, minor currency units.
    """
    return deductions_of(agreement, at=at, lock=lock, waive_floor=waive_floor)(tender_minor)


def deductions_of(
    agreement: SupplyAgreement, *, at: datetime, lock: bool = False, waive_floor: bool = False
) -> Callable[[int], Deductions]:
    """Return a function from a tender, in minor currency units, to the part that goes to debts.

    Args:
        agreement: whose customer and premises may owe something.
        at: the time of sale.
        lock: keep the debts as they are until the transaction ends, for a sale that collects.
        waive_floor: debts may take what is otherwise kept for energy; the customer wants it.

    Raises:
        PurchasesBlocked: by the terms of a debt nothing is sold before it is paid.
    """
    owed = collectable(agreement, at=at, lock=lock)
    if not owed:
        return lambda _: ()
    _refuse_blocked(owed)
    floor = Decimal(0) if waive_floor else energy_floor(at=at)
    titles = {debt.key: debt.title for debt in owed}

    def taken(tender_minor: int, left_after_fees_minor: int) -> Sequence[Deduction]:
        fees_minor = max(0, tender_minor - left_after_fees_minor)
        split = allocate(tender_minor, owed, energy_floor=floor, fees_minor=fees_minor)
        return [
            deduction(
                payment.key, titles[payment.key], payment.paid_minor, payment.balance_left_minor
            )
            for payment in split.payments
        ]

    return lambda tender_minor: partial(taken, tender_minor)


def _refuse_blocked(owed: Sequence[OpenDebt]) -> None:
    blocking = [debt for debt in owed if debt.blocks]
    if blocking:
        told = " and ".join(f"“{one.title}” ({money(one.balance_minor)})" for one in blocking)
        raise PurchasesBlocked(
            f"nothing is sold before {told} is paid; take a payment of the debt or "
            "change its terms"
        )


def deduction(key: int, title: str, paid_minor: int, left_minor: int) -> Deduction:
    """Return what is paid into a debt, as a receipt prints it.

    Args:
        key: the debt's id.
        title: what it is for.
        paid_minor: how much is paid, > 0.
        left_minor: what is owed afterwards.
    """
    return Deduction(
        description=title,
        amount_minor=paid_minor,
        kind=DEBT,
        reference=str(key),
        explanation=f"{money(left_minor)} left to pay",
    )


def collect_lines(lines: Sequence[PriceLine]) -> None:
    """Lower the debts that a sale's lines pay into; call it in the sale's transaction."""
    collect({int(line.reference): line.amount_minor for line in lines if line.kind == DEBT})


def money(amount_minor: int) -> str:
    """Return an amount in minor units of the base currency as it is written."""
    return figures.money(
        amount_minor,
        currency=settings.BASE_CURRENCY,
        digits=settings.BASE_CURRENCY_MINOR_DIGITS,
    )
