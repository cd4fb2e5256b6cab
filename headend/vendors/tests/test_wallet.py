"""Credit in, sales out: the wallet is what the ledger says, and it is never overdrawn."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Group

from headend.accounts import approvals
from headend.accounts.errors import SamePerson
from headend.accounts.services import create_user
from headend.config.errors import NotPermitted
from headend.ledger.models import Line
from headend.ledger.proofs import differences_of, prove
from headend.ledger.queries import balance_minor
from headend.testing import NOON
from headend.vending import services as vending
from headend.vending.models import Sale
from headend.vendors import acts, services, wallet
from headend.vendors.errors import (
    InvalidContract,
    InvalidPurchase,
    InvalidVendor,
    NoOpenShift,
    PaymentReferenceTaken,
    SaleAboveLimit,
    VendorSuspended,
    WalletTooLow,
)
from headend.vendors.models import Contract, Purchase, Purse
from headend.vendors.tests.conftest import Shop

pytestmark = pytest.mark.django_db

DISCOUNT = services.Terms(kind=Contract.Kind.DISCOUNT, percent=Decimal(3))
COMMISSION = services.Terms(
    kind=Contract.Kind.COMMISSION,
    percent=Decimal(2),
    tax=Contract.Tax.ADDED,
    tax_percent=Decimal(15),
)


def debits(reference):
    """What an entry's debits are, by account."""
    lines = Line.objects.filter(entry__reference=reference, amount_minor__gt=0)
    return dict(lines.values_list("account__code", "amount_minor"))


def all_agrees():
    assert differences_of(prove(at=NOON)) == []


def test_credit_is_bought_at_a_discount_and_sold_at_its_face(supply):
    shop = Shop(terms=DISCOUNT)
    shop.buy(97_00)
    purchase = Purchase.objects.get()
    assert (purchase.paid_minor, purchase.credit_minor) == (97_00, 100_00)
    assert debits(f"credit-purchase:{purchase.pk}") == {
        "bank.payments": 97_00,
        shop.vendor.earnings: 3_00,
    }
    shop.open_shift()
    sale = shop.sell(60_00, supply)
    assert debits(f"sale:{sale}") == {shop.vendor.wallet: 60_00}
    assert wallet.balance_minor(shop.vendor) == wallet.available_minor(shop.vendor) == 40_00
    all_agrees()


def test_a_commission_is_earned_with_each_sale_and_its_tax_is_kept_apart(supply):
    shop = Shop(terms=COMMISSION)
    shop.buy(100_00)
    shop.open_shift()
    sale = shop.sell(50_00, supply)
    assert debits(f"sale:{sale}") == {
        shop.vendor.wallet: 48_85,
        shop.vendor.earnings: 1_00,
        "reclaimable.tax": 15,
    }
    assert wallet.balance_minor(shop.vendor) == 51_15
    assert balance_minor("cash.tills", "ZAR") == 0
    all_agrees()


def test_a_sale_that_the_wallet_does_not_cover_is_refused_and_leaves_nothing(shop, supply):
    shop.buy(50_00)
    shop.open_shift()
    with pytest.raises(WalletTooLow, match=r"50\.00 left .* takes R.50\.01"):
        shop.sell(50_01, supply)
    assert not Sale.objects.exists()
    assert supply.meter.tokens.count() == 0
    shop.sell(50_00, supply)  # though no single purse holds as much
    with pytest.raises(WalletTooLow):
        shop.sell(10_00, supply)
    assert wallet.balance_minor(shop.vendor) == 0
    all_agrees()


def test_sales_empty_the_wallet_to_the_last_coin(shop, supply):
    shop.buy(100_00)
    shop.open_shift()
    for tender_minor in (13_37, 1_99, 50_00, 7_77, 20_00, 6_87):
        shop.sell(tender_minor, supply)
    assert wallet.balance_minor(shop.vendor) == wallet.available_minor(shop.vendor) == 0
    all_agrees()


def test_a_credit_limit_lets_the_wallet_fall_that_far_and_no_further(supply):
    shop = Shop(terms=services.Terms(Contract.Kind.DISCOUNT, Decimal(0), credit_limit_minor=30_00))
    shop.open_shift()
    shop.sell(30_00, supply)
    assert wallet.balance_minor(shop.vendor) == -30_00
    with pytest.raises(WalletTooLow):
        shop.sell(10_00, supply)
    all_agrees()
    lower = services.Terms(Contract.Kind.DISCOUNT, Decimal(0), credit_limit_minor=29_99)
    with pytest.raises(InvalidContract, match=r"0\.01 more"):
        services.agree_contract(shop.vendor, lower, by=shop.by, at=NOON)
    shop.buy(10_00)
    services.agree_contract(shop.vendor, lower, by=shop.by, at=NOON)
    assert wallet.available_minor(shop.vendor) == 9_99
    all_agrees()


def test_no_sale_is_larger_than_the_contract_allows(supply):
    shop = Shop(terms=services.Terms(Contract.Kind.DISCOUNT, Decimal(0), largest_sale_minor=20_00))
    shop.buy(100_00)
    shop.open_shift()
    shop.sell(20_00, supply)
    with pytest.raises(SaleAboveLimit, match=r"20\.00"):
        shop.sell(20_01, supply)


def test_a_trial_says_what_the_sale_would_be_refused_for(shop, supply):
    def trial():
        return vending.trial_vend(
            meter=supply.meter, tender_minor=50_00, at=NOON, operator=shop.cashier
        )

    with pytest.raises(NoOpenShift):
        trial()
    shop.open_shift()
    with pytest.raises(WalletTooLow):
        trial()
    shop.buy(50_00)
    assert trial().tender_minor == 50_00


def test_a_payment_gives_credit_once_however_it_is_written(shop):
    shop.buy(10_00, reference="Bank  ref 7")
    with pytest.raises(PaymentReferenceTaken):
        shop.buy(10_00, reference="BANK REF 7")
    acts.request_purchase(
        shop.vendor, paid_minor=5_00, payment_reference="x", by=shop.manager, at=NOON
    )
    with pytest.raises(PaymentReferenceTaken, match="waits"):
        shop.buy(5_00, reference="X")


def test_signs_in_a_reference_make_no_second_payment_of_it(shop):
    one = {"paid_minor": 10_00, "by": shop.manager, "at": NOON}
    asked = acts.request_purchase(shop.vendor, payment_reference="EFT 9", **one)
    with pytest.raises(PaymentReferenceTaken, match="EFT 9 waits"):
        acts.request_purchase(shop.vendor, payment_reference="eft-9", **one)
    approvals.approve(asked, shop.by, NOON)
    with pytest.raises(PaymentReferenceTaken, match="EFT 9 was turned into credit"):
        acts.request_purchase(shop.vendor, payment_reference="(Eft/9)", **one)
    with pytest.raises(InvalidPurchase, match="letters or digits"):
        acts.request_purchase(shop.vendor, payment_reference="---", **one)


def test_credit_needs_money_a_reference_and_a_contract(shop):
    for paid_minor, reference in ((0, "x"), (-1, "x"), (10, " "), (10, "x" * 61)):
        with pytest.raises(InvalidPurchase):
            shop.buy(paid_minor, reference=reference)
    bare = services.register_vendor(name="Bare", by=shop.by, at=NOON)
    with pytest.raises(InvalidPurchase, match="no contract"):
        acts.request_purchase(bare, paid_minor=1, payment_reference="y", by=shop.by, at=NOON)


def test_credit_is_approved_by_somebody_else_of_the_utility(shop):
    approval = acts.request_purchase(
        shop.vendor, paid_minor=10_00, payment_reference="r", by=shop.by, at=NOON
    )
    with pytest.raises(SamePerson):
        approvals.approve(approval, shop.by, NOON)
    insider = shop.person("insider")
    insider.groups.add(Group.objects.get(name="approver"))
    with pytest.raises(NotPermitted, match="of the utility"):
        approvals.approve(approval, insider, NOON)
    assert wallet.balance_minor(shop.vendor) == 0
    other = Shop("Other Shop")
    with pytest.raises(NotPermitted, match="does not belong"):
        acts.request_purchase(
            shop.vendor, paid_minor=10_00, payment_reference="q", by=other.manager, at=NOON
        )


def test_credit_is_as_much_as_was_approved_or_is_asked_for_again(shop):
    shop.buy(1_00)
    asked = shop.ask_for_credit(97_00, reference="r")
    three = services.Terms(kind=Contract.Kind.DISCOUNT, percent=Decimal(3))
    services.agree_contract(shop.vendor, three, by=shop.by, at=NOON)
    approver = create_user(username="second", password=None, groups=("approver",))
    with pytest.raises(InvalidPurchase, match=r"100\.00 for this payment now and not R.97\.00"):
        approvals.approve(asked, approver, NOON)
    assert wallet.balance_minor(shop.vendor) == 1_00
    approvals.refuse(asked, approver, NOON, "other terms by now")
    shop.vendor.refresh_from_db()
    approvals.approve(shop.ask_for_credit(97_00, reference="r"), approver, NOON)
    assert wallet.balance_minor(shop.vendor) == 101_00


def test_a_suspended_vendor_sells_nothing_until_it_is_let_again(shop, supply):
    shop.buy(100_00)
    shop.open_shift()
    sale = shop.sell(10_00, supply, message_id="before")
    services.suspend(shop.vendor, by=shop.by, at=NOON, reason="unpaid")
    with pytest.raises(VendorSuspended):
        shop.sell(10_00, supply)
    assert shop.sell(10_00, supply, message_id="before") == sale  # advice is no new sale
    with pytest.raises(NotPermitted):
        services.reinstate(shop.vendor, by=shop.manager, at=NOON, reason="please")
    services.reinstate(shop.vendor, by=shop.by, at=NOON, reason="paid")
    shop.sell(10_00, supply)


def test_a_suspension_holds_for_a_sale_that_was_past_the_first_look(shop):
    """The purses themselves are closed: a sale that has read the vendor before finds none."""
    shop.buy(100_00)
    services.suspend(shop.vendor, by=shop.by, at=NOON, reason="unpaid")
    with pytest.raises(VendorSuspended):
        wallet.take(shop.vendor, 10_00)


def test_a_suspended_operator_or_till_sells_nothing(shop, supply):
    shop.buy(100_00)
    shop.open_shift()
    operator = shop.cashier.vendor_operator
    services.set_operator_active(operator, False, by=shop.manager, at=NOON, reason="left")
    with pytest.raises(VendorSuspended, match="any more"):
        shop.sell(10_00, supply)
    services.set_operator_active(operator, True, by=shop.manager, at=NOON, reason="back")
    services.set_till_active(shop.till, False, by=shop.manager, at=NOON, reason="broken")
    with pytest.raises(VendorSuspended, match="Counter 1"):
        shop.sell(10_00, supply)


def test_a_program_sells_at_its_till_without_a_shift(shop, supply):
    shop.buy(100_00)
    kiosk = services.add_till(shop.vendor, name="Kiosk", needs_shift=False, by=shop.by, at=NOON)
    program = shop.person("program", "vendor cashier", till=kiosk)
    sale = shop.sell(10_00, supply, by=program)
    assert (sale.vendor, sale.till, sale.shift) == (shop.vendor, kiosk, None)
    assert sale.particulars["terminal"] == "Kiosk"
    with pytest.raises(InvalidVendor, match="program sells"):
        shop.person("second", "vendor cashier", till=shop.till)


def test_somebody_of_neither_vendor_nor_utility_sells_nothing(supply, shop):
    stray = create_user(username="stray", password=None, groups=("vendor cashier",))
    with pytest.raises(NotPermitted, match="act_for_utility"):
        shop.sell(10_00, supply, by=stray)


def test_one_vendors_manager_decides_nothing_at_another(shop):
    other = Shop("Other Shop")
    with pytest.raises(NotPermitted):
        services.add_till(shop.vendor, name="Mine now", by=other.manager, at=NOON)
    with pytest.raises(NotPermitted):
        services.set_operator_active(
            shop.cashier.vendor_operator, False, by=other.manager, at=NOON, reason=""
        )
    with pytest.raises(InvalidVendor, match="already"):
        services.add_operator(other.vendor, shop.cashier, by=shop.by, at=NOON)


@pytest.mark.parametrize(
    "changes",
    [
        {"percent": Decimal(100)},
        {"percent": Decimal(-1)},
        {"percent": Decimal(90), "tax": "added", "tax_percent": Decimal(20)},
        {"kind": "gift"},
        {"credit_limit_minor": -1},
        {"largest_sale_minor": 0},
    ],
)
def test_terms_that_make_no_sense_are_refused(shop, changes):
    terms = services.Terms(**{"kind": "discount", "percent": Decimal(3)} | changes)
    with pytest.raises(InvalidContract):
        services.agree_contract(shop.vendor, terms, by=shop.by, at=NOON)


def test_the_check_finds_a_purse_that_was_tampered_with(shop):
    shop.buy(100_00)
    all_agrees()
    Purse.objects.filter(vendor=shop.vendor, number=3).update(available_minor=10_00)
    (found,) = differences_of(prove(at=NOON))
    assert found.what == "wallet of Corner Shop"
    assert found.ledger_minor == 100_00
    assert found.elsewhere_minor == 100_00 - 6_25 + 10_00
