"""A supply that bought energy, and a clock that goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from headend.accounts.services import console_user
from headend.customers.models import SupplyAgreement
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.fleet.models import MeterState
from headend.ledger import proofs
from headend.ledger.queries import trial_balance
from headend.supply import closings
from headend.testing import NOON, make_supply
from headend.vending import services as vending

DAY = timedelta(days=1)
LATER = NOON + DAY


@pytest.fixture
def supply(db) -> SupplyAgreement:
    """An agreement under which energy was bought once, for 50.00: 17.3 kWh at 2.875 with tax."""
    agreement = make_supply()
    sell(agreement, 50_00, at=NOON)
    return agreement


def sell(agreement, tender_minor, *, at, message_id=None):
    """Vend and return the sale."""
    return vending.vend(
        caller="test",
        message_id=message_id or f"{agreement.pk}-{at.timestamp()}",
        meter=agreement.meter,
        tender_minor=tender_minor,
        operator=console_user(),
        at=at,
    )


def owe(owner, amount_minor, *, title="Arrears", at=NOON, **terms):
    """Open a debt that purchases pay in large instalments only."""
    return open_debt(
        owner=owner,
        title=title,
        amount_minor=amount_minor,
        terms=Terms(method="per_month", amount_minor=1, **terms),
        by=console_user(),
        at=at,
    )


def tell_state(meter, *, energy_wh, credit_wh, at=NOON, payment_mode="prepayment", last=(0, 0)):
    """Have a meter tell its state."""
    state, _ = MeterState.objects.update_or_create(
        meter=meter,
        defaults={
            "received_at": at,
            "boot": 1,
            "revision": 1,
            "boot_nonce": "abcd",
            "clock_quality": "set",
            "payment_mode": payment_mode,
            "account_status": "active",
            "credit_wh": credit_wh,
            "relay_closed": True,
            "last_boot": last[0],
            "last_seq": last[1],
            "last_command_number": 0,
            "content": {"energy_wh": energy_wh, "credit_wh": credit_wh},
        },
    )
    return state


def close(supply, *, energy_wh=12_000, credit_wh=10_000, at=LATER):
    """Close an account with registers that a person read, and settle it."""
    closing = closings.start(supply, by=console_user(), at=at, reason="moves out", ask_meter=False)
    closings.note_registers(
        closing, energy_wh=energy_wh, credit_wh=credit_wh, by=console_user(), at=at
    )
    return closings.settle(closing, by=console_user(), at=at)


def lines(settlement):
    """Kind and amount of each line of a settlement."""
    return [(line.kind, line.amount_minor) for line in settlement.lines.all()]


def agrees():
    """Whether the ledger adds up and every nightly proof holds."""
    assert sum(one.amount_minor for one in trial_balance()) == 0
    return proofs.differences_of(proofs.prove(at=LATER)) == []
