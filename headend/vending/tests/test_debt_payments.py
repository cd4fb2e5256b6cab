"""A debt paid at the till without energy, and the floor that a customer can waive."""

from datetime import timedelta
from decimal import Decimal

import pytest

from headend.accounts.services import console_user, create_user
from headend.config.errors import NotPermitted
from headend.customers.services import end_agreement, register_customer
from headend.debts.models import Debt
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.ledger import proofs
from headend.ledger.queries import balance_minor
from headend.tariffs.components import Energy, PeriodicFee, Step
from headend.tariffs.rules import TariffRules
from headend.tariffs.services import publish_version
from headend.testing import NOON, make_supply
from headend.vending import debt_payments, reversals, services
from headend.vending.errors import InvalidTender, MessageConflict
from headend.vending.models import Sale
from headend.vending.receipts import receipt_of, render_text
from headend.vendors import wallet
from headend.vendors.tests.conftest import Shop

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def supply():
    return make_supply()


def owe(owner):
    return open_debt(
        owner=owner,
        title="Arrears",
        amount_minor=100_00,
        terms=Terms(method="percent", percent=Decimal(80)),
        by=console_user(),
        at=NOON,
    )


def pay(debt, amount_minor=30_00, *, message_id="p1", by=None, at=NOON):
    return debt_payments.pay(
        caller="till",
        message_id=message_id,
        debt=debt,
        amount_minor=amount_minor,
        operator=by or console_user(),
        at=at,
    )


def vend(supply, tender_minor=50_00, *, message_id="m1", at=NOON, **more):
    return services.vend(
        caller="till",
        message_id=message_id,
        meter=supply.meter,
        tender_minor=tender_minor,
        operator=console_user(),
        at=at,
        **more,
    )


def agrees():
    return proofs.differences_of(proofs.prove(at=NOON)) == []


def test_a_payment_lowers_the_debt_and_gives_no_token(supply):
    debt = owe(supply.customer)
    sale = pay(debt)
    assert [(line.kind, line.amount_minor) for line in sale.lines.all()] == [("debt", 30_00)]
    assert not sale.tokens.exists()
    debt.refresh_from_db()
    assert debt.balance_minor == balance_minor(debt.account, "ZAR") == 70_00
    assert balance_minor("cash.tills", "ZAR") == 30_00
    text = render_text(receipt_of(sale))
    assert "R 70.00 left to pay" in text
    assert "No token" in text
    assert agrees()


def test_a_message_pays_once(supply):
    debt = owe(supply.customer)
    assert pay(debt) == pay(debt)
    with pytest.raises(MessageConflict):
        pay(debt, 31_00)
    with pytest.raises(MessageConflict):
        vend(supply, 30_00, message_id="p1")
    assert Sale.objects.count() == 1


@pytest.mark.parametrize("amount_minor", [0, -1, 100_01])
def test_no_more_than_is_owed_is_taken(supply, amount_minor):
    with pytest.raises(InvalidTender, match=r"R\s100\.00 of “.*” is owed"):
        pay(owe(supply.customer), amount_minor)
    assert not Sale.objects.exists()


def test_the_next_purchase_finds_everything_as_the_last_one_left_it(supply):
    publish_version(
        code="test",
        name="Test",
        valid_from=NOON + timedelta(seconds=1),
        rules=TariffRules(
            (PeriodicFee("Service", Decimal(15)), Energy("Energy", (Step(None, Decimal(2)),)))
        ),
        by=console_user(),
        at=NOON,
    )
    debt = owe(supply.premises)
    first = vend(supply, at=NOON + MINUTE)
    pay(debt, at=NOON + 2 * MINUTE)
    second = vend(supply, message_id="m2", at=NOON + 3 * MINUTE)
    kinds = [[line.kind for line in sale.lines.all()] for sale in (first, second)]
    assert [("fee" in kind) for kind in kinds] == [True, False]


def test_a_customer_who_moved_out_pays_and_one_who_was_never_supplied_can_not(supply):
    debt = owe(supply.customer)
    end_agreement(supply, by=console_user(), at=NOON + MINUTE, reason="moved out")
    assert pay(debt, at=NOON + 2 * MINUTE).agreement == supply
    stranger = register_customer(name="Nobody", by=console_user(), at=NOON)
    with pytest.raises(InvalidTender):
        pay(owe(stranger), message_id="p2")


def test_a_vendors_wallet_pays_and_a_reversal_gives_it_back(supply):
    debt = owe(supply.customer)
    shop = Shop()
    shop.buy(100_00)
    shop.open_shift()
    sale = pay(debt, by=shop.cashier)
    assert wallet.available_minor(shop.vendor) == 70_00
    reversals.reverse(
        caller="till", message_id="r", sale=sale, by=shop.cashier, at=NOON, reason="wrong debt"
    )
    assert wallet.available_minor(shop.vendor) == 100_00
    assert Debt.objects.get().balance_minor == 100_00
    assert agrees()


def test_taking_payments_needs_the_permission_to_sell(supply):
    auditor = create_user(username="auditor", password=None, groups=("auditor",))
    with pytest.raises(NotPermitted):
        pay(owe(supply.customer), by=auditor)


def test_the_floor_holds_unless_the_customer_waives_it(supply):
    owe(supply.customer)
    for waived, paid_minor in ((False, 25_00), (True, 40_00)):
        trial = services.trial_vend(
            meter=supply.meter, tender_minor=50_00, at=NOON, waive_floor=waived
        )
        assert sum(line.amount_minor for line in trial.lines if line.kind == "debt") == paid_minor
    sale = vend(supply, waive_floor=True)
    assert sale.lines.get(kind="debt").amount_minor == 40_00
    with pytest.raises(MessageConflict):
        vend(supply)
    assert vend(supply, waive_floor=True) == sale
    assert agrees()
