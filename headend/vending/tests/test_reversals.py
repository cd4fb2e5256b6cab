"""A sale taken back: when that is allowed, that it undoes everything, and that it happens once."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headend.accounts import approvals
from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.debts.models import Debt
from headend.debts.services import change_terms, open_debt, set_energy_floor
from headend.debts.terms import Terms
from headend.ledger import proofs, suspense
from headend.ledger.cash import TillsTooLow
from headend.ledger.queries import balance_minor, trial_balance
from headend.securitymodule import allowance
from headend.securitymodule.models import VendingKey
from headend.tariffs.components import MONTH, Energy, PeriodicFee, Step
from headend.tariffs.rules import TariffRules
from headend.tariffs.services import publish_version
from headend.testing import NOON, make_supply
from headend.vending import disclosure, reversals, services
from headend.vending.errors import (
    InvalidMessageId,
    MessageConflict,
    NotLatestSale,
    SaleNotFound,
    SaleReversed,
    TokenDisclosed,
)
from headend.vending.models import Disclosure, Reversal, Sale
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


def vend(supply, tender_minor=50_00, *, message_id="m1", at=NOON, by=None, **more):
    return services.vend(
        caller="till",
        message_id=message_id,
        meter=supply.meter,
        tender_minor=tender_minor,
        operator=by or console_user(),
        at=at,
        **{"hold_token": True} | more,
    )


def reverse(sale, *, message_id="r1", by=None, at=NOON, caller="till"):
    return reversals.reverse(
        caller=caller,
        message_id=message_id,
        sale=sale,
        by=by or console_user(),
        at=at,
        reason="wrong meter",
    )


def owe(owner, owed_minor, **terms):
    return open_debt(
        owner=owner,
        title="Arrears",
        amount_minor=owed_minor,
        terms=Terms(**terms),
        by=console_user(),
        at=NOON,
    )


def agrees():
    assert sum(one.amount_minor for one in trial_balance()) == 0
    return proofs.differences_of(proofs.prove(at=NOON)) == []


def test_a_held_token_is_shown_to_nobody_until_it_is_disclosed(supply, cashier):
    sale = vend(supply)
    token = sale.tokens.get()
    assert disclosure.is_held(sale)
    assert disclosure.digits_of(token) is None
    disclosure.disclose(sale, to=cashier, how=Disclosure.How.SHOWN, at=NOON)
    disclosure.disclose(sale, to=console_user(), how=Disclosure.How.PRINTED, at=NOON)
    assert disclosure.digits_of(token) == token.digits
    assert sale.disclosure.disclosed_to == cashier
    assert AuditEntry.objects.filter(action="vending.disclose").count() == 1


def test_a_sale_whose_token_nobody_saw_is_reversed(supply, cashier):
    sale = vend(supply)
    made = reverse(sale, by=cashier)
    assert (made.basis, made.reversed_by, made.shift) == ("not_disclosed", cashier, None)
    assert balance_minor("cash.tills", "ZAR") == 0
    assert balance_minor("sales.energy", "ZAR") == 0
    assert disclosure.digits_of(sale.tokens.get()) is None
    audit = AuditEntry.objects.get(action="vending.reverse")
    assert (audit.object_id, audit.reason, audit.source) == (str(sale.pk), "wrong meter", "till")
    assert agrees()


def test_a_disclosed_token_can_not_be_taken_back(supply, cashier):
    plain = vend(supply, hold_token=False)
    with pytest.raises(TokenDisclosed):
        reverse(plain)
    later = NOON + timedelta(minutes=1)
    shown = vend(supply, message_id="m2", at=later)
    disclosure.disclose(shown, to=cashier, how=Disclosure.How.SHOWN, at=later)
    with pytest.raises(TokenDisclosed):
        reverse(shown)
    assert Reversal.objects.count() == 0


@pytest.mark.parametrize("give_out", ["send", "reprint", "vend and send"])
def test_whatever_gives_the_token_out_discloses_it(supply, give_out):
    sale = vend(supply, send=give_out == "vend and send")
    if give_out == "send":
        services.send_to_meter(sale=sale, by=console_user(), at=NOON)
    if give_out == "reprint":
        services.reprint(sale=sale, by=console_user(), at=NOON)
    with pytest.raises(TokenDisclosed):
        reverse(sale)


def test_a_reversed_sale_gives_its_token_to_nobody(supply):
    sale = vend(supply)
    reverse(sale)
    acts = (
        lambda: disclosure.disclose(sale, to=console_user(), how=Disclosure.How.SHOWN, at=NOON),
        lambda: services.reprint(sale=sale, by=console_user(), at=NOON),
        lambda: services.send_to_meter(sale=sale, by=console_user(), at=NOON),
        lambda: vend(supply),
    )
    for act in acts:
        with pytest.raises(SaleReversed):
            act()
    assert services.advice(caller="till", message_id="m1") == sale


def test_a_message_reverses_once(supply):
    sale, other = vend(supply), vend(make_supply(), message_id="m2")
    made = reverse(sale)
    assert reverse(sale) == made
    assert reversals.advice(caller="till", message_id="r1") == made
    with pytest.raises(SaleReversed):
        reverse(sale, message_id="r2")
    with pytest.raises(MessageConflict):
        reverse(other)
    with pytest.raises(SaleNotFound):
        reversals.advice(caller="somebody else", message_id="r1")
    with pytest.raises(InvalidMessageId):
        reverse(other, message_id="")
    assert Reversal.objects.count() == 1
    assert balance_minor("cash.tills", "ZAR") == 50_00


def test_only_the_last_sale_that_stands_is_reversed(supply):
    first = vend(supply)
    second = vend(supply, message_id="m2", at=NOON + timedelta(minutes=1))
    with pytest.raises(NotLatestSale, match=second.receipt_number):
        reverse(first)
    reverse(second, message_id="r2")
    reverse(first, message_id="r1")
    assert agrees()


def test_the_last_sale_is_the_one_made_last_though_the_clock_was_set_back(supply):
    first = vend(supply, at=NOON + timedelta(hours=1))
    second = vend(supply, message_id="m2", at=NOON)
    with pytest.raises(NotLatestSale):
        reverse(first)
    reverse(second, message_id="r2")
    reverse(first, message_id="r1")


def test_a_payment_that_gave_no_token_is_reversed_though_it_was_printed(supply):
    set_energy_floor(percent=Decimal(0), by=console_user(), at=NOON)
    debt = owe(supply.customer, 100_00, method="percent", percent=Decimal(100))
    sale = vend(supply, hold_token=False)
    assert sale.issued_wh == 0
    services.reprint(sale=sale, by=console_user(), at=NOON)
    assert reverse(sale).basis == "no_token"
    debt.refresh_from_db()
    assert debt.balance_minor == balance_minor(debt.account, "ZAR") == 100_00
    assert agrees()


def test_instalments_are_due_again(supply):
    debt = owe(supply.customer, 90_00, method="instalments", instalments=3,
               first_due=date(2026, 11, 1))  # fmt: skip
    reverse(vend(supply))
    again = vend(supply, message_id="m2")
    assert [line.amount_minor for line in again.lines.filter(kind="debt")] == [30_00 - 5_00]
    debt.refresh_from_db()
    assert (debt.balance_minor, debt.plan_minor) == (65_00, 90_00)


def test_a_plan_made_anew_since_grows_with_the_debt(supply):
    debt = owe(supply.customer, 90_00, method="percent", percent=Decimal(20))
    sale = vend(supply)
    terms = Terms(method="instalments", instalments=2, first_due=date(2026, 11, 1))
    change_terms(debt, terms, by=console_user(), at=NOON, reason="asked")
    reverse(sale)
    debt.refresh_from_db()
    assert (debt.balance_minor, debt.plan_minor) == (90_00, 90_00)


def test_the_month_has_its_amount_again_and_only_the_month_of_the_sale(supply):
    owe(supply.customer, 90_00, method="per_month", amount_minor=15_00)
    reverse(vend(supply))
    assert vend(supply, message_id="m2").lines.get(kind="debt").amount_minor == 15_00
    december = NOON.replace(month=12)
    sale = vend(supply, message_id="m3", at=december)
    january = NOON.replace(year=2027, month=1)
    reverse(sale, at=january, message_id="r2")
    assert vend(supply, message_id="m4", at=january).lines.get(kind="debt").amount_minor == 15_00
    later = vend(supply, message_id="m5", at=january + timedelta(minutes=1))
    assert not later.lines.filter(kind="debt").exists()
    assert agrees()


def test_the_keys_ceiling_is_as_before(supply):
    key = VendingKey.objects.get(sgc=supply.meter.sgc, dkga=4)
    VendingKey.objects.filter(pk=key.pk).update(credit_ceiling_kwh=1000)
    key.refresh_from_db()
    allowance.open_allowance(key)
    sale = vend(supply)
    assert (allowance.units_left(key) or 0) == 10_000 - 173
    reverse(sale)
    assert allowance.units_left(key) == 10_000


def test_who_may_not_sell_may_not_reverse(supply):
    sale = vend(supply)
    nobody = create_user(username="auditor", password=None, groups=("auditor",))
    with pytest.raises(NotPermitted):
        reverse(sale, by=nobody)


def test_the_database_keeps_reversals(supply):
    made = reverse(vend(supply))
    for change in (made.delete, lambda: Reversal.objects.update(reason="another")):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


# --- vendors and drawers -------------------------------------------------------------------------


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
