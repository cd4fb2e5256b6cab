"""A sale taken back at a vendor and at a till: wallet, drawer and every balance are as before."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headend.accounts import approvals
from headend.accounts.services import console_user, create_user
from headend.config.errors import NotPermitted
from headend.debts.models import Debt
from headend.ledger import proofs, suspense
from headend.ledger.cash import TillsTooLow
from headend.ledger.queries import balance_minor, trial_balance
from headend.tariffs.components import MONTH, Energy, PeriodicFee, Step
from headend.tariffs.rules import TariffRules
from headend.tariffs.services import publish_version
from headend.testing import NOON, make_supply
from headend.vending import services
from headend.vending.models import Reversal, Sale
from headend.vending.tests.reversing import agrees, owe, reverse, vend
from headend.vendors import services as vendors
from headend.vendors import shifts, wallet
from headend.vendors.errors import DrawerTooLow
from headend.vendors.models import Contract, Shift, Till
from headend.vendors.services import Terms as ContractTerms
from headend.vendors.tests.conftest import Shop

pytestmark = pytest.mark.django_db

STEPS_AND_A_FEE = TariffRules(
    (
        PeriodicFee("Service charge", Decimal(15), MONTH),
        Energy("Energy", (Step(Decimal(50), Decimal(2)), Step(None, Decimal("3.1")))),
    )
)


@pytest.fixture
def supply():
    return make_supply()


@pytest.fixture
def cashier(db):
    return create_user(username="cashier", password=None, groups=("cashier",))


@pytest.fixture
def shop():
    one = Shop()
    one.buy(1000_00)
    one.open_shift()
    return one


def test_a_vendor_gets_its_wallet_back_and_pays_out_of_the_drawer(supply, shop):
    before_minor = wallet.available_minor(shop.vendor)
    sale = vend(supply, by=shop.cashier)
    made = reverse(sale, by=shop.cashier)
    assert wallet.available_minor(shop.vendor) == wallet.balance_minor(shop.vendor) == before_minor
    shift = Shift.objects.get()
    assert (shift.sold_minor, shift.paid_out_minor, shift.expected_minor) == (50_00, 50_00, 0)
    assert (made.till, made.shift) == (shop.till, shift)
    assert agrees()


def test_a_vendors_sale_is_reversed_where_its_money_is(supply, shop, cashier):
    sale = vend(supply, by=shop.cashier)
    with pytest.raises(NotPermitted):
        reverse(sale, by=cashier)
    other = Shop("Other Shop")
    other.open_shift()
    with pytest.raises(NotPermitted):
        reverse(sale, by=other.cashier)
    assert Reversal.objects.count() == 0


def test_the_drawer_must_hold_what_is_handed_back(supply, shop):
    sale = vend(supply, by=shop.cashier)
    till = Till.objects.create(vendor=shop.vendor, name="Counter 2")
    second = shop.person("second", "vendor cashier")
    shop.open_shift(second, till)
    with pytest.raises(DrawerTooLow):
        reverse(sale, by=second)
    assert not Reversal.objects.exists()


# --- everything as before ------------------------------------------------------------------------


def figures(supply, vendor, at):
    """Everything a purchase can change, as it is now."""
    trial = services.trial_vend(meter=supply.meter, tender_minor=70_00, at=at)
    return {
        "accounts": {one.code: one.amount_minor for one in trial_balance() if one.amount_minor},
        "debts": list(Debt.objects.order_by("pk").values_list("balance_minor", "plan_minor")),
        "wallet": wallet.available_minor(vendor),
        "trial": [(line.description, line.amount_minor) for line in trial.lines],
        "issued_wh": trial.issued_wh,
    }


@pytest.fixture
def busy():
    """A supply with steps, a monthly fee and two debts, and a vendor that earns commission."""
    supply = make_supply()
    publish_version(
        code="test",
        name="Test tariff",
        valid_from=NOON + timedelta(minutes=1),
        rules=STEPS_AND_A_FEE,
        by=console_user(),
        at=NOON,
    )
    owe(supply.customer, 300_00, method="percent", percent=Decimal("12.5"))
    owe(supply.premises, 77_77, method="per_month", amount_minor=11_11, priority=2)
    shop = Shop(
        terms=ContractTerms(
            kind=Contract.Kind.COMMISSION,
            percent=Decimal("2.5"),
            tax="added",
            tax_percent=Decimal(15),
        )
    )
    shop.buy(10_000_00)
    shop.open_shift(float_minor=100_000_00)
    return supply, shop


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    tenders=st.lists(st.integers(20_00, 400_00), min_size=1, max_size=3),
    months=st.integers(0, 2),
    waive_floor=st.booleans(),
)
def test_vend_then_reverse_leaves_every_balance_as_before(busy, tenders, months, waive_floor):
    supply, shop = busy
    at = NOON + timedelta(days=31 * months, hours=1)
    with transaction.atomic():
        vend(supply, 33_33, message_id="before", at=at, by=shop.cashier, hold_token=False)
        before = figures(supply, shop.vendor, at)
        sales = [
            vend(
                supply, tender_minor, message_id=f"m{number}", by=shop.cashier,
                at=at + timedelta(minutes=number), waive_floor=waive_floor,
            )
            for number, tender_minor in enumerate(tenders)
        ]  # fmt: skip
        for number, sale in reversed(list(enumerate(sales))):
            reverse(sale, message_id=f"r{number}", by=shop.cashier, at=at + timedelta(hours=1))
        assert figures(supply, shop.vendor, at) == before
        assert agrees()
        assert Sale.objects.standing().count() == 1
        transaction.set_rollback(True)


def test_cash_of_sales_without_a_shift_never_falls_below_nothing(supply, cashier):
    """What was brought to the bank is not there any more to be handed back."""
    sale = vend(supply)
    approver = create_user(username="approver", password=None, groups=("approver",))
    payment = suspense.enter(
        reference="DEP 1", amount_minor=50_00, paid_on=NOON.date(), by=console_user(), at=NOON
    )
    asked = suspense.request_clearing(
        payment, to="tills", names="", by=console_user(), at=NOON, reason="slip"
    )
    approvals.approve(asked, approver, NOON)
    with pytest.raises(TillsTooLow, match="a shift of your own"):
        reverse(sale)
    assert balance_minor("cash.tills", "ZAR") == 0
    # Out of a drawer it can be given back all the same, and then the shift tells it.
    till = vendors.add_till(None, name="Front desk", by=console_user(), at=NOON)
    shifts.fill_safe(amount_minor=60_00, by=console_user(), at=NOON, reason="floats")
    shift = shifts.open_shift(till=till, float_minor=60_00, by=cashier, at=NOON)
    reverse(sale, by=cashier)
    shift.refresh_from_db()
    assert (shift.sold_minor, shift.net_minor, shift.expected_minor) == (0, -50_00, 10_00)
    assert proofs.differences_of(proofs.prove(at=NOON)) == []
