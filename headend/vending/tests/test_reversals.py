"""A sale taken back: when that is allowed, that it undoes everything, and that it happens once."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.debts.services import change_terms, set_energy_floor
from headend.debts.terms import Terms
from headend.ledger.queries import balance_minor
from headend.securitymodule import allowance
from headend.securitymodule.models import VendingKey
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
from headend.vending.models import Disclosure, Reversal
from headend.vending.tests.reversing import agrees, owe, reverse, vend

pytestmark = pytest.mark.django_db


@pytest.fixture
def supply():
    return make_supply()


@pytest.fixture
def cashier(db):
    return create_user(username="cashier", password=None, groups=("cashier",))


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


def test_the_day_of_a_reversal_is_told_in_the_utilitys_time(supply):
    sale = vend(supply)
    reverse(sale, at=NOON.replace(hour=23))
    with pytest.raises(SaleReversed, match="2026-11-22"):
        reverse(sale, message_id="r2")


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
