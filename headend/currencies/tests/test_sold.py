"""Money in other currencies goes to the bank: into an account of its own, or sold."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum

from headend.accounts import approvals
from headend.accounts.services import console_user, create_user
from headend.config.opaque import id_of
from headend.currencies.errors import InvalidCurrency
from headend.currencies.models import SoldCash
from headend.currencies.sold import Held, worth_of
from headend.debts.errors import InvalidDebt
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.ledger import suspense
from headend.ledger.cash import BankTooLow, SafeTooLow, TillsTooLow
from headend.ledger.models import BankPayment, Line
from headend.ledger.proofs import differences_of, prove
from headend.ledger.suspense import InvalidPayment, PaymentDiffers
from headend.testing import NOON, make_rate, make_supply
from headend.vending import reversals
from headend.vending.services import vend
from headend.vendors import shifts
from headend.vendors.tests.conftest import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def checker(db):
    return create_user(username="checker", password=None, groups=("approver",))


def sell(paid_minor, message_id, **more):
    """Take dollars for energy at a till without a shift."""
    return vend(
        caller="till",
        message_id=message_id,
        meter=make_supply().meter,
        tender_minor=paid_minor,
        currency="USD",
        operator=console_user(),
        at=NOON,
        **more,
    )


def told(reference, amount_minor, currency=""):
    return suspense.enter(
        reference=reference,
        amount_minor=amount_minor,
        currency=currency,
        paid_on=date(2026, 11, 20),
        by=console_user(),
        at=NOON,
    )


def clear(payment, to, names="", *, by):
    request = suspense.request_clearing(
        payment, to=to, names=names, by=console_user(), at=NOON, reason="the bank's slip"
    )
    approvals.approve(request, by, NOON)
    return request


def books(branch):
    lines = Line.objects.filter(account__code__startswith=branch).order_by()
    sums = lines.values_list("account__code", "currency").annotate(total=Sum("amount_minor"))
    return {(code, currency): total for code, currency, total in sums if total}


def is_proved():
    return differences_of(prove(at=NOON)) == []


def test_dollars_reach_an_account_in_dollars(checker):
    make_rate("18.2537")
    sell(10_00, "m1")
    clear(told("DEP 1", 10_00, "USD"), "tills", by=checker)
    assert books("cash") == {}
    assert books("bank") == {("bank.payments", "USD"): 10_00}
    assert books("suspense") == books("differences") == {}
    assert is_proved()


def test_dollars_that_the_bank_bought_leave_a_gain(checker):
    make_rate("18.2537")
    sell(10_00, "m1")  # worth R 182.53, a part of a cent cut off
    request = clear(told("FX 1", 185_00), "sold_tills", "usd 10", by=checker)
    assert request.summary.startswith(
        "Payment FX 1, R\u00a0185.00, out of suspense: $\u00a010.00 from sales"
    )
    assert "1 USD = 18.5 ZAR (+1.35 % to 1 USD = 18.2537 ZAR)" in request.summary
    assert books("cash") == {}
    assert books("bank") == {("bank.payments", "ZAR"): 185_00}
    assert books("exchange") == {}
    assert books("differences") == {("differences.exchange", "ZAR"): -2_47}
    assert BankPayment.objects.get().ended_as.startswith("$\u00a010.00 from sales without")
    assert is_proved()


def test_a_part_is_sold_at_its_share_of_what_all_stands_at(checker):
    make_rate("18.00")
    sell(10_00, "m1")
    make_rate("19.00", at=NOON.replace(hour=13))
    vend(
        caller="till", message_id="m2", meter=make_supply().meter, tender_minor=20_00,
        currency="USD", operator=console_user(), at=NOON.replace(hour=14),
    )  # fmt: skip
    # $ 30.00 stand at 180.00 + 380.00 = 560.00; of that $ 7.00 are 130.67.
    clear(told("FX 1", 128_00), "sold_tills", "USD 7.00", by=checker)
    assert SoldCash.objects.get().worth_minor == 130_67
    assert books("differences") == {("differences.exchange", "ZAR"): 2_67}  # lost
    assert books("exchange") == {
        ("exchange.USD", "USD"): -23_00, ("exchange.USD", "ZAR"): 429_33,
    }  # fmt: skip
    clear(told("FX 2", 430_00), "sold_tills", "USD 23.00", by=checker)
    assert books("exchange") == {}
    # 128.00 + 430.00 for what stood at 560.00: all in all 2.00 lost.
    assert books("differences") == {("differences.exchange", "ZAR"): 2_00}
    assert is_proved()


def test_the_account_at_the_bank_is_sold_from_as_well(checker):
    make_rate("18.00")
    sell(10_00, "m1")
    clear(told("DEP 1", 10_00, "USD"), "tills", by=checker)
    clear(told("FX 1", 111_00), "sold_account", "USD 6", by=checker)
    assert books("bank") == {("bank.payments", "USD"): 4_00, ("bank.payments", "ZAR"): 111_00}
    assert books("differences") == {("differences.exchange", "ZAR"): -3_00}
    with pytest.raises(BankTooLow, match="does not hold"):
        clear(told("FX 2", 90_00), "sold_account", "USD 4.01", by=checker)
    assert is_proved()


def test_what_sales_never_took_stands_at_what_it_fetches(checker):
    make_rate("18.00")
    sell(10_00, "m1")
    shifts.fill_safe(amount_minor=2_00, currency="USD", by=console_user(), at=NOON, reason="x")
    clear(told("FX 1", 181_00), "sold_tills", "USD 10", by=checker)
    clear(told("FX 2", 37_00), "sold_safe", "USD 2", by=checker)
    assert [one.gained_minor for one in SoldCash.objects.order_by("pk")] == [1_00, 0]
    assert is_proved()


@pytest.mark.parametrize(
    ("sold_minor", "held_minor", "worth_minor", "fetched_minor", "stands_at"),
    [
        (10_00, 10_00, 182_53, 185_00, 182_53),  # all of it
        (7_00, 30_00, 560_00, 128_00, 130_67),  # 130.666... rounded half up
        (1, 2, 1, 9, 1),  # a half is rounded up
        (1, 2, -1, 9, 0),  # and so it is below nothing
        (12_00, 10_00, 182_53, 222_00, 219_53),  # 2.00 above: 37.00, as they fetched
        (5_00, 0, 0, 90_00, 90_00),  # none of it from sales
        (5_00, -3_00, -54_00, 90_00, 90_00),  # more was given back than is there
        (1_00, 1_00, -6_53, 16_00, -6_53),  # refunds at a higher rate left less than nothing
    ],
)
def test_money_stands_at_its_share(sold_minor, held_minor, worth_minor, fetched_minor, stands_at):
    there = Held("USD", held_minor, worth_minor)
    assert worth_of(sold_minor, there, fetched_minor=fetched_minor) == stands_at


def test_a_sale_is_taken_back_after_its_money_was_sold(checker):
    make_rate("18.00")
    sell(10_00, "m1")
    held = sell(10_00, "m2", hold_token=True)
    clear(told("FX 1", 185_00), "sold_tills", "USD 10", by=checker)
    reversals.reverse(
        caller="till", message_id="r1", sale=held, by=console_user(), at=NOON, reason="x"
    )
    assert books("exchange") == {}
    assert books("differences") == {("differences.exchange", "ZAR"): -5_00}
    assert is_proved()


def test_no_more_is_sold_than_there_is_and_only_what_is_known(checker):
    make_rate("18.00")
    sell(10_00, "m1")
    payment = told("FX 1", 185_00)
    with pytest.raises(TillsTooLow):
        clear(payment, "sold_tills", "USD 10.01", by=checker)
    with pytest.raises(SafeTooLow):
        clear(payment, "sold_safe", "USD 10", by=checker)
    for names in ("", "10", "USD", "USD 1.001", "USD 0", "EUR 5", "ZAR 5", "USD 1e3", "USD -1"):
        with pytest.raises(InvalidCurrency):
            clear(payment, "sold_tills", names, by=checker)
    with pytest.raises(InvalidCurrency, match="paid for in ZAR"):
        clear(told("FX 2", 5_00, "USD"), "sold_tills", "USD 10", by=checker)
    with pytest.raises(InvalidPayment, match="was ever in 'EUR'"):
        told("FX 3", 5_00, "EUR")


def test_what_was_asked_for_is_looked_at_again_when_it_is_approved(checker):
    make_rate("18.00")
    sell(10_00, "m1")
    asked = suspense.request_clearing(
        told("FX 1", 185_00), to="sold_tills", names="USD 10", by=console_user(), at=NOON,
        reason="x",
    )  # fmt: skip
    clear(told("DEP 1", 1, "USD"), "tills", by=checker)
    with pytest.raises(TillsTooLow):
        approvals.approve(asked, checker, NOON)
    assert books("exchange")[("exchange.USD", "USD")] == -10_00
    assert is_proved()


def test_a_payment_in_dollars_is_for_no_debt_in_rand(checker):
    make_rate("18.00")
    debt = open_debt(
        owner=make_supply().customer,
        title="Arrears",
        amount_minor=150_00,
        terms=Terms(method="per_purchase", amount_minor=10_00),
        by=console_user(),
        at=NOON,
    )
    shifts.fill_safe(amount_minor=1, currency="USD", by=console_user(), at=NOON, reason="x")
    payment = told("EFT 1", 97_00, "USD")
    with pytest.raises(InvalidDebt, match="owed in ZAR"):
        clear(payment, "debt", id_of(debt), by=checker)
    shop = Shop()
    with pytest.raises(PaymentDiffers):
        shop.buy(97_00, reference="EFT 1")
    shop.buy(97_00, reference="EFT 2")
    with pytest.raises(PaymentDiffers):
        told("EFT 2", 97_00, "USD")


def test_what_was_sold_never_changes(checker):
    make_rate("18.00")
    sell(10_00, "m1")
    clear(told("FX 1", 185_00), "sold_tills", "USD 10", by=checker)
    with pytest.raises(IntegrityError), transaction.atomic():
        SoldCash.objects.update(worth_minor=1)


def test_the_check_finds_a_gain_that_nobody_made(checker):
    make_rate("18.00")
    sell(10_00, "m1")
    payment = told("FX 1", 185_00)
    clear(payment, "sold_tills", "USD 10", by=checker)
    BankPayment.objects.filter(pk=payment.pk).update(amount_minor=186_00)
    (found,) = differences_of(prove(at=NOON))
    assert (found.ledger_minor, found.elsewhere_minor) == (-5_00, -6_00)


def test_from_the_pages_to_the_bank(log_in):
    make_rate("18.2537")
    sell(10_00, "m1")
    admin, approver = log_in("utility administrator"), log_in("approver")
    typed = {"reference": "fx 7", "amount": "185", "currency": "ZAR", "paid_on": "2026-11-20"}
    page = admin.post("/ledger/payments/add/", typed).headers["Location"]
    slip = {"to": "sold_tills", "names": "USD 10", "reason": "slip 12"}
    admin.post(page, slip)
    (row,) = approver.get("/approvals/").context["to_decide"]
    approver.post(f"/approvals/{id_of(row[0])}/", {"decision": "approve"})
    shown = admin.get("/currencies/USD/").content.decode()
    assert "FX 7" in shown
    assert "Gained by selling it" in shown
    assert "R\u00a02.47" in shown
    dollars = typed | {"reference": "dep 1", "amount": "2.50", "currency": "USD"}
    page = admin.post("/ledger/payments/add/", dollars).headers["Location"]
    assert "$\u00a02.50" in admin.get(page).content.decode()
    assert "In suspense, USD" in admin.get("/ledger/payments/").content.decode()
