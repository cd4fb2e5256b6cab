"""Two people at once: a settlement, a transfer, and a move-in beside a closing happen once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from headend.accounts.services import console_user
from headend.config.errors import Refusal
from headend.customers.models import SupplyAgreement
from headend.meters.services import KeyAttributes, register_meter
from headend.securitymodule.services import DEMONSTRATION_SGC
from headend.supply import closings, refunds, replacements, transfers
from headend.supply.models import Refund, Settlement
from headend.supply.rules import set_rule
from headend.supply.tests.conftest import LATER, sell
from headend.testing import NOON, make_supply, new_drn
from headend.vending.models import IssuedToken

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 4


@pytest.fixture
def bought(transactional_db) -> SupplyAgreement:
    if connection.vendor == "sqlite":
        pytest.skip("the tests' SQLite is in memory, where threads can't wait for each other")
    agreement = make_supply()
    sell(agreement, 50_00, at=NOON)
    return agreement


def at_once(act) -> tuple[int, int]:
    """Run an act in parallel; return how often it was done and how often refused."""
    together = Barrier(AT_ONCE)

    def run(_: int) -> bool:
        try:
            together.wait(10)
            act()
        except Refusal:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = list(pool.map(run, range(AT_ONCE)))
    return done.count(True), done.count(False)


def test_an_account_is_closed_settled_and_refunded_once(bought):
    me = console_user()
    set_rule(valuation="last_purchase", refund_limit_minor=100_00, by=me, at=NOON)
    assert at_once(
        lambda: closings.start(
            SupplyAgreement.objects.get(pk=bought.pk),
            by=me,
            at=LATER,
            reason="moves",
            ask_meter=False,
        )
    ) == (1, AT_ONCE - 1)
    closing = bought.closing
    closings.note_registers(closing, energy_wh=12_000, credit_wh=10_000, by=me, at=LATER)
    assert at_once(lambda: closings.settle(closing, by=me, at=LATER)) == (1, AT_ONCE - 1)
    settlement = Settlement.objects.get()
    paid = at_once(lambda: refunds.pay(settlement, method="bank", by=me, at=LATER))
    assert paid == (1, AT_ONCE - 1)
    assert Refund.objects.count() == 1


def test_credit_of_a_replaced_meter_moves_once(bought):
    me = console_user()
    stock = register_meter(drn=new_drn(), key=KeyAttributes(sgc=DEMONSTRATION_SGC), by=me, at=NOON)
    made = replacements.replace(
        bought,
        stock,
        old=replacements.OldMeter(12_000, 10_000),
        new_energy_wh=0,
        by=me,
        at=LATER,
        reason="burnt",
    )
    moved = at_once(lambda: transfers.transfer_by_token(made, by=me, at=LATER))
    assert moved == (1, AT_ONCE - 1)
    assert IssuedToken.objects.filter(meter=stock).count() == 1
