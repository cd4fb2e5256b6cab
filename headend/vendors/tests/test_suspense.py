"""Payments at the bank: matched, waiting in suspense, and gone where they belong by two people."""

from datetime import date

import pytest

from headend.accounts import approvals
from headend.accounts.errors import SamePerson
from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.opaque import id_of
from headend.debts.errors import BalanceTooSmall
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.ledger import suspense
from headend.ledger.cash import SafeTooLow, TillsTooLow
from headend.ledger.models import BankPayment
from headend.ledger.proofs import differences_of, prove
from headend.ledger.queries import balance_minor
from headend.ledger.suspense import (
    InvalidPayment,
    PaymentDiffers,
    PaymentKnown,
    PaymentNotWaiting,
    UnknownDestination,
)
from headend.testing import NOON, make_supply
from headend.vending.services import vend
from headend.vendors import services, shifts, wallet

pytestmark = pytest.mark.django_db


def enter(reference="EFT 1", amount_minor=97_00, **more):
    return suspense.enter(
        reference=reference,
        amount_minor=amount_minor,
        paid_on=date(2026, 11, 20),
        by=console_user(),
        at=NOON,
        **more,
    )


def ask(payment, to, names=""):
    return suspense.request_clearing(
        payment, to=to, names=names, by=console_user(), at=NOON, reason="the slip says so"
    )


@pytest.fixture
def checker(db):
    return create_user(username="checker", password=None, groups=("approver",))


def fill_safe(amount_minor):
    shifts.fill_safe(amount_minor=amount_minor, by=console_user(), at=NOON, reason="floats")


def in_bank_and_suspense():
    return balance_minor("bank", "ZAR"), -balance_minor("suspense", "ZAR")


def proved():
    return differences_of(prove(at=NOON)) == []


def test_a_payment_nobody_knows_waits_in_suspense(db):
    payment = enter(" eft  1 ", payer="N. Dube", text="power")
    assert (payment.reference, payment.state) == ("EFT 1", BankPayment.WAITING)
    assert in_bank_and_suspense() == (97_00, 97_00)
    assert proved()
    with pytest.raises(PaymentKnown, match="EFT 1 is there already"):
        enter("EFT 1")
    for wrong in ({"amount_minor": 0}, {"reference": " "}):
        with pytest.raises(InvalidPayment):
            enter(**wrong)


def test_what_a_vendor_paid_is_matched_whichever_is_first(shop):
    shop.buy(97_00, reference="EFT 1")
    matched = enter("eft 1")
    assert (matched.state, matched.ended_as) == (BankPayment.MATCHED, "credit of Corner Shop")
    assert in_bank_and_suspense() == (97_00, 0)
    waiting = enter("EFT 2", amount_minor=50_00)
    assert in_bank_and_suspense() == (147_00, 50_00)
    shop.buy(50_00, reference="EFT 2")
    waiting.refresh_from_db()
    assert (waiting.state, waiting.ended_as) == (BankPayment.CLEARED, "credit of Corner Shop")
    assert in_bank_and_suspense() == (147_00, 0)
    assert wallet.balance_minor(shop.vendor) == 147_00
    assert proved()


def test_signs_in_a_reference_hide_no_payment_from_the_bank(shop):
    shop.buy(97_00, reference="eft-1")
    assert enter("EFT 1").state == BankPayment.MATCHED
    waiting = enter("EFT.2", amount_minor=50_00)
    shop.buy(50_00, reference="eft 2")
    waiting.refresh_from_db()
    assert waiting.state == BankPayment.CLEARED
    assert in_bank_and_suspense() == (147_00, 0)
    assert wallet.balance_minor(shop.vendor) == 147_00


def test_another_amount_is_accounted_for_by_nobody(shop):
    shop.buy(97_00, reference="EFT 1")
    with pytest.raises(PaymentDiffers, match="credit of Corner Shop"):
        enter("EFT 1", amount_minor=79_00)
    enter("EFT 2", amount_minor=50_00)
    with pytest.raises(PaymentDiffers, match="another amount for payment EFT 2"):
        shop.buy(5_00, reference="EFT 2")
    assert wallet.balance_minor(shop.vendor) == 97_00
    assert proved()


def test_a_payment_for_a_debt_lowers_it(checker):
    supply = make_supply()
    debt = open_debt(
        owner=supply.customer,
        title="Arrears",
        amount_minor=150_00,
        terms=Terms(method="per_purchase", amount_minor=10_00),
        by=console_user(),
        at=NOON,
    )
    request = ask(enter(), "debt", id_of(debt))
    assert "paid for debt" in request.summary
    approvals.approve(request, checker, NOON)
    debt.refresh_from_db()
    assert debt.balance_minor == 53_00
    assert in_bank_and_suspense() == (97_00, 0)
    assert proved()
    with pytest.raises(BalanceTooSmall, match="is owed"):
        ask(enter("EFT 2"), "debt", id_of(debt))


def test_cash_from_the_safe_and_money_sent_back(checker):
    fill_safe(100_00)
    approvals.approve(ask(enter("EFT 1"), "safe"), checker, NOON)
    assert balance_minor("cash.safe", "ZAR") == 3_00
    approvals.approve(ask(enter("EFT 2"), "returned"), checker, NOON)
    assert in_bank_and_suspense() == (97_00 - 100_00, 0)
    assert proved()


def test_no_more_was_brought_to_the_bank_than_the_safe_held(checker):
    fill_safe(97_00)
    request = ask(enter("EFT 1"), "safe")
    approvals.approve(ask(enter("EFT 2"), "safe"), checker, NOON)
    with pytest.raises(SafeTooLow):
        approvals.approve(request, checker, NOON)
    with pytest.raises(SafeTooLow):
        ask(enter("EFT 3", amount_minor=1), "safe")
    assert balance_minor("cash.safe", "ZAR") == 0


def test_cash_of_sales_without_a_shift_reaches_the_bank(checker):
    meter = make_supply().meter
    vend(
        caller="till", message_id="m1", meter=meter, tender_minor=97_00, operator=console_user(),
        at=NOON,
    )  # fmt: skip
    till = services.add_till(None, name="Front desk", by=console_user(), at=NOON)
    fill_safe(50_00)
    shifts.open_shift(till=till, float_minor=50_00, by=console_user(), at=NOON)
    approvals.approve(ask(enter("EFT 1"), "tills"), checker, NOON)
    assert balance_minor("cash.tills", "ZAR") == 50_00  # in the drawer, which is not meant
    with pytest.raises(TillsTooLow, match="tills without shifts"):
        ask(enter("EFT 2", amount_minor=1), "tills")
    assert proved()


def test_it_takes_two_people_and_happens_once(checker, shop):
    fill_safe(97_00)
    payment = enter()
    request = ask(payment, "safe")
    with pytest.raises(PaymentNotWaiting, match="second person already"):
        ask(payment, "returned")
    with pytest.raises(SamePerson):
        approvals.approve(request, console_user(), NOON)
    approvals.approve(request, checker, NOON)
    payment.refresh_from_db()
    with pytest.raises(PaymentNotWaiting, match="cash from the safe"):
        ask(payment, "returned")
    with pytest.raises(PaymentNotWaiting):
        shop.buy(97_00, reference="EFT 1")
    (entry,) = AuditEntry.objects.filter(action="ledger.clear_payment")
    assert (entry.after or {})["approved_by"] == "checker"
    with pytest.raises(UnknownDestination):
        ask(enter("EFT 2"), "pocket")


def test_the_check_finds_a_payment_that_is_not_in_suspense(db):
    enter()
    BankPayment.objects.update(amount_minor=96_00)
    (found,) = differences_of(prove(at=NOON))
    assert (found.what, found.ledger_minor, found.elsewhere_minor) == (
        "payments in suspense", 97_00, 96_00,
    )  # fmt: skip


def test_from_the_page_to_the_safe(log_in):
    admin, approver = log_in("utility administrator"), log_in("approver")
    typed = {"reference": "dep 7", "amount": "500", "paid_on": "2026-11-20", "payer": "Us"}
    page = admin.post("/ledger/payments/add/", typed).headers["Location"]
    assert admin.post("/ledger/payments/add/", typed).status_code == 422
    shown = admin.get("/ledger/payments/").content.decode()
    assert "DEP 7" in shown
    assert "500.00" in shown
    hasty = admin.post(page, {"to": "", "names": "", "reason": "too fast"})
    assert hasty.status_code == 422
    wrong = {"to": "debt", "names": "77", "reason": "guess"}
    assert "There is no debt" in admin.post(page, wrong).content.decode()
    slip = {"to": "safe", "names": "", "reason": "paying-in slip 12"}
    assert "The safe does not hold" in admin.post(page, slip).content.decode()
    fill_safe(500_00)
    admin.post(page, slip)
    assert "second person" in admin.get(page).content.decode()
    request = BankPayment.objects.get()
    (row,) = approver.get("/approvals/").context["to_decide"]
    approver.post(f"/approvals/{id_of(row[0])}/", {"decision": "approve"})
    request.refresh_from_db()
    assert (request.state, request.ended_as) == (BankPayment.CLEARED, "cash from the safe")
    assert "Nothing is in suspense" in admin.get("/ledger/payments/").content.decode()
    assert "DEP 7" in admin.get("/ledger/payments/?all").content.decode()
    assert "No payment matches" in admin.get("/ledger/payments/?q=nothing").content.decode()
    assert log_in("auditor").get(page).context["form"] is None
    assert log_in("cashier").get(page).status_code == 403
