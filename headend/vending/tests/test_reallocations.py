"""A sale for the wrong meter: who carries it, what moves, and what a meter's messages prove."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group

from headend.accounts import approvals
from headend.accounts.errors import SamePerson
from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.customers.errors import NoSupplyAgreement
from headend.customers.services import end_agreement
from headend.debts.models import Debt
from headend.fleet.models import Event, MeterLink, Reading
from headend.ledger import proofs
from headend.ledger.queries import balance_minor, trial_balance
from headend.testing import NOON, make_meter, make_supply
from headend.vending import disclosure, reallocations, reversals, services, unused
from headend.vending.errors import (
    NotLatestSale,
    ReallocationRefused,
    ReversalRefused,
    SaleReversed,
    TokenDisclosed,
)
from headend.vending.models import Disclosure, Reallocation, Reversal
from headend.vending.receipts import receipt_of, render_text
from headend.vendors import wallet
from headend.vendors.tests.conftest import Shop
from shared.wire import codes

pytestmark = pytest.mark.django_db
Bearer = Reallocation.Bearer
MINUTE = timedelta(minutes=1)


@pytest.fixture
def wrong():
    return make_supply()


@pytest.fixture
def right(wrong):
    return make_supply()


@pytest.fixture
def cashier(db):
    return create_user(username="cashier", password=None, groups=("cashier",))


@pytest.fixture
def approver(db):
    return create_user(username="approver", password=None, groups=("approver",))


def vend(supply, *, message_id="m1", hold_token=False, at=NOON, by=None):
    return services.vend(
        caller="till",
        message_id=message_id,
        meter=supply.meter,
        tender_minor=50_00,
        operator=by or console_user(),
        at=at,
        hold_token=hold_token,
    )


def ask(sale, supply, bearer, by):
    return reallocations.request(
        sale, to=supply.meter, bearer=bearer, by=by, at=NOON, reason="typed the neighbour's number"
    )


def agrees():
    assert sum(one.amount_minor for one in trial_balance()) == 0
    assert balance_minor("reallocated.sales", "ZAR") == 0
    return proofs.differences_of(proofs.prove(at=NOON)) == []


def test_the_first_customer_carries_it_as_a_debt(wrong, right, cashier, approver):
    sale = vend(wrong)
    request = ask(sale, right, Bearer.CUSTOMER, cashier)
    assert "R 50.00" in request.summary.replace("\u00a0", " ")
    assert not Reallocation.objects.exists()
    approvals.approve(request, approver, NOON)
    moved = Reallocation.objects.get()
    assert (moved.sale, moved.new_sale.meter) == (sale, right.meter)
    assert (moved.requested_by, moved.approved_by) == (cashier, approver)
    assert moved.new_sale.tender_minor == sale.tender_minor
    assert len(moved.new_sale.tokens.get().digits) == 20
    assert moved.debt == Debt.objects.get(customer=wrong.customer, balance_minor=50_00)
    assert balance_minor("cash.tills", "ZAR") == 50_00
    assert services.trial_vend(meter=wrong.meter, tender_minor=50_00, at=NOON).lines[0].kind == (
        "debt"
    )
    assert AuditEntry.objects.filter(action="vending.reallocate").count() == 2
    assert agrees()


def test_the_utility_bears_it(wrong, right, cashier, approver):
    approvals.approve(ask(vend(wrong), right, Bearer.UTILITY, cashier), approver, NOON)
    assert balance_minor("losses.reallocations", "ZAR") == 50_00
    assert not Debt.objects.exists()
    assert agrees()


def test_nobody_bears_what_can_be_reversed(wrong, right, cashier, approver):
    sale = vend(wrong, hold_token=True)
    for bearer in (Bearer.CUSTOMER, Bearer.UTILITY):
        with pytest.raises(ReallocationRefused):
            ask(sale, right, bearer, cashier)
    approvals.approve(ask(sale, right, Bearer.NOBODY, cashier), approver, NOON)
    assert disclosure.is_reversed(sale)
    assert disclosure.digits_of(sale.tokens.get()) is None
    assert balance_minor("cash.tills", "ZAR") == 50_00
    assert agrees()


def test_a_vendor_keeps_what_it_was_paid(wrong, right, approver):
    shop = Shop()
    shop.buy(100_00)
    shop.open_shift()
    sale = vend(wrong, by=shop.cashier, hold_token=True)
    left_minor = wallet.available_minor(shop.vendor)
    approvals.approve(ask(sale, right, Bearer.NOBODY, shop.manager), approver, NOON)
    assert wallet.available_minor(shop.vendor) == wallet.balance_minor(shop.vendor) == left_minor
    assert Reallocation.objects.get().new_sale.vendor == shop.vendor
    assert shop.cashier.shifts.get().paid_out_minor == 0
    assert agrees()


def test_both_receipts_say_so(wrong, right, cashier, approver):
    sale = vend(wrong)
    approvals.approve(ask(sale, right, Bearer.CUSTOMER, cashier), approver, NOON)
    new = Reallocation.objects.get().new_sale
    assert f"MOVED TO {new}" in render_text(receipt_of(sale))
    assert f"INSTEAD OF {sale}" in render_text(receipt_of(new))


def test_a_sale_is_moved_once_and_not_reversed_afterwards(wrong, right, cashier, approver):
    sale = vend(wrong)
    request = ask(sale, right, Bearer.CUSTOMER, cashier)
    with pytest.raises(ReallocationRefused, match="waits"):
        ask(sale, right, Bearer.UTILITY, cashier)
    approvals.approve(request, approver, NOON)
    sale.refresh_from_db()
    with pytest.raises(ReallocationRefused, match="already"):
        ask(sale, right, Bearer.UTILITY, cashier)
    for one in (sale, Reallocation.objects.get().new_sale):
        with pytest.raises(ReversalRefused):
            reversals.grounds_of(one)


def test_what_is_refused(wrong, right, cashier, approver):
    sale = vend(wrong)
    with pytest.raises(ReallocationRefused):
        ask(sale, wrong, Bearer.CUSTOMER, cashier)
    with pytest.raises(TokenDisclosed):
        ask(sale, right, Bearer.NOBODY, cashier)
    with pytest.raises(NotPermitted):
        ask(sale, right, Bearer.CUSTOMER, approver)
    idle = make_meter()
    with pytest.raises(NoSupplyAgreement):
        reallocations.request(
            sale, to=idle, bearer=Bearer.CUSTOMER, by=cashier, at=NOON, reason="wrong"
        )
    taken_back = vend(wrong, message_id="m2", hold_token=True, at=NOON + MINUTE)
    reversals.reverse(
        caller="till", message_id="r", sale=taken_back, by=cashier, at=NOON, reason="wrong"
    )
    with pytest.raises(SaleReversed):
        ask(taken_back, right, Bearer.CUSTOMER, cashier)


def test_a_reversal_ends_the_request_to_move_its_sale(wrong, right, cashier, approver):
    other = vend(right, message_id="other", hold_token=True)
    kept = ask(other, wrong, Bearer.NOBODY, cashier)
    sale = vend(wrong, hold_token=True)
    asked = ask(sale, right, Bearer.NOBODY, cashier)
    later = vend(wrong, message_id="m2", hold_token=True)
    act = {"caller": "till", "sale": sale, "by": console_user(), "at": NOON, "reason": "typo"}
    with pytest.raises(NotLatestSale):
        reversals.reverse(message_id="r1", **act)
    asked.refresh_from_db()
    assert asked.state == "open"
    reversals.reverse(message_id="r2", **(act | {"sale": later}))
    reversals.reverse(message_id="r1", **act)
    asked.refresh_from_db()
    assert (asked.state, asked.decision_reason) == ("withdrawn", f"sale {sale} was reversed")
    kept.refresh_from_db()
    assert kept.state == "open"


def test_what_changed_before_the_approval_is_seen(wrong, right, cashier, approver):
    held = vend(wrong, hold_token=True)
    request = ask(held, right, Bearer.NOBODY, cashier)
    with pytest.raises(SamePerson):
        approvals.approve(request, cashier_who_approves(cashier), NOON)
    disclosure.disclose(held, to=cashier, how=Disclosure.How.SHOWN, at=NOON)
    with pytest.raises(TokenDisclosed):
        approvals.approve(request, approver, NOON)
    request = ask(vend(make_supply(), message_id="m2"), right, Bearer.UTILITY, cashier)
    end_agreement(right, by=console_user(), at=NOON + MINUTE, reason="moved out")
    with pytest.raises(NoSupplyAgreement):
        approvals.approve(request, approver, NOON + 2 * MINUTE)
    assert not Reallocation.objects.exists()
    assert not Reversal.objects.exists()


def cashier_who_approves(cashier):
    cashier.groups.add(Group.objects.get(name="approver"))
    return type(cashier).objects.get(pk=cashier.pk)


# --- what a meter proves -------------------------------------------------------------------------


class Telling:
    """A meter's numbered messages as the head-end stored them."""

    def __init__(self, meter, *, krn=2):
        self.meter, self.seq, self.krn = meter, 0, krn
        self.link = MeterLink.objects.create(meter=meter)

    def event(self, code, detail, at):
        self.seq += 1
        Event.objects.create(
            meter=self.meter, boot=1, seq=self.seq, code=code, detail=detail, received_at=at
        )
        self.is_stored()

    def reading(self, at):
        self.seq += 1
        Reading.objects.create(
            meter=self.meter, boot=1, seq=self.seq, interval_end=at, received_at=at
        )
        self.is_stored()

    def is_stored(self):
        self.link.stored_boot, self.link.stored_seq = 1, self.seq
        self.link.save()

    def key_changed(self, at=NOON + 2 * MINUTE):
        detail = {"krn": self.krn, "ti": 1, "sgc": int(self.meter.sgc)}
        self.event(codes.EVENT_KEY_CHANGED, detail, at)


@pytest.fixture
def telling(wrong):
    told = Telling(wrong.meter)
    told.reading(NOON - MINUTE)
    return told


def test_a_changed_key_and_an_unbroken_record_prove_a_token_unused(wrong, telling, cashier):
    sale = vend(wrong)
    telling.reading(NOON + MINUTE)
    telling.event(codes.EVENT_TOKEN_ACCEPTED, {"tid": 7}, NOON + MINUTE)
    assert unused.proof(sale.tokens.get()) is None
    telling.key_changed()
    made = reversals.reverse(
        caller="till", message_id="r1", sale=sale, by=cashier, at=NOON, reason="never entered"
    )
    assert made.basis == "proved_unused"
    assert made.evidence["tokens"][0]["messages"] == [[1, 1], [1, 4]]
    assert agrees()


@pytest.mark.parametrize("flaw", ["used", "a message lost", "same key", "not stored", "back"])
def test_anything_less_proves_nothing(wrong, telling, flaw):
    sale = vend(wrong)
    token = sale.tokens.get()
    if flaw == "used":
        telling.event(codes.EVENT_TOKEN_ACCEPTED, {"tid": token.tid}, NOON + MINUTE)
    if flaw == "a message lost":
        telling.seq += 1
    if flaw == "same key":
        telling.krn = token.krn
    telling.key_changed()
    if flaw == "not stored":
        telling.link.stored_seq -= 1
        telling.link.save()
    if flaw == "back":
        telling.krn = token.krn
        telling.key_changed(NOON + 3 * MINUTE)
    assert unused.proof(token) is None
    with pytest.raises(TokenDisclosed):
        reversals.grounds_of(sale)


def test_a_key_changed_before_the_token_was_made_proves_nothing(wrong, telling):
    telling.key_changed(NOON - MINUTE)
    assert unused.proof(vend(wrong).tokens.get()) is None


def test_a_proof_does_not_help_past_a_later_sale(wrong, telling):
    sale = vend(wrong)
    telling.key_changed()
    vend(wrong, message_id="m2", at=NOON + 3 * MINUTE)
    with pytest.raises(NotLatestSale):
        reversals.grounds_of(sale)
