"""Lists what a sale reads from the database, so that it is asked for in one round trip."""

from __future__ import annotations

from typing import Any

from headend.accounts.models import User
from headend.config import prepared, statements
from headend.customers.models import SupplyAgreement
from headend.meters.models import Meter
from headend.vendors import seats


def asked_of(operator: User) -> list[tuple[Any, ...]]:
    """Return what is asked of whoever sells."""
    asked: list[tuple[Any, ...]] = [(statements.OPERATOR, operator.pk)]
    if operator.has_perm(seats.WORK_SHIFT):
        asked.append((statements.SHIFT, operator.pk))
    return asked


def needed(agreement: SupplyAgreement) -> list[tuple[Any, ...]]:
    """Return what a sale as a rule asks the database for before it writes."""
    served = (
        agreement.pk,
        agreement.tariff_id,
        agreement.customer_id,
        agreement.premises_id,
    )
    return _asked_for(agreement.meter, served)


def foreseen(meter: Meter) -> list[tuple[Any, ...]]:
    """Return what a sale will need if the meter's agreement is the one that it seems to be."""
    seen = tuple(vars(meter).get(name) for name in statements.SEEN_WITH_METER)
    return [] if None in seen else _asked_for(meter, seen)


def _asked_for(meter: Meter, served: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    agreement, tariff, customer, premises = served
    key = (meter.sgc, meter.kt, meter.krn, meter.base_date, meter.dkga)
    return [
        (statements.LATEST_VERSIONS, tariff),
        (statements.LAST_STATE, agreement, agreement),
        (statements.DEBTS_LOCKED, customer, premises),
        (statements.VENDING_KEY, *key),
        (statements.IS_ENROLLED, customer, premises),
        (statements.HAS_LINK, meter.pk),
        (statements.NEW_IDS,),
    ]


def locked_agreement(meter: Meter) -> SupplyAgreement | None:
    """Return the meter's agreement, and hold the meter's row until the transaction ends.

    On SQLite the transaction itself is the lock: it began as the only writer.
    """
    found: SupplyAgreement | None = prepared.first(statements.AGREEMENT_LOCKED, meter.pk)
    return found
