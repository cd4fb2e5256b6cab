"""A sale for money in another currency: its worth buys, and the ledger adds up in both."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum

from headend.accounts import approvals
from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.currencies.errors import BaseCurrencyOnly, CurrencyNotAccepted
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.ledger.models import Line
from headend.ledger.proofs import differences_of, prove
from headend.testing import NOON, make_rate, make_supply, traffic
from headend.vending import debt_payments, reallocations, reversals, services
from headend.vending.errors import InvalidTender, MessageConflict
from headend.vending.models import Reallocation, Sale
from headend.vendors.tests.conftest import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def meter(db):
    return make_supply().meter


@pytest.fixture
def rate(db):
    return make_rate("18.2537")


@pytest.fixture
def cashier(db):
    return create_user(username="cashier", password=None, groups=("cashier",))


def vend(meter, cashier, tender_minor=10_00, *, currency="USD", message_id="m1", **more):
    request = {"at": NOON} | more
    return services.vend(
        caller="till",
        message_id=message_id,
        meter=meter,
        tender_minor=tender_minor,
        currency=currency,
        operator=cashier,
        **request,
    )


def ledger():
    """What is in each account, by currency, without those of what the money was for."""
    lines = Line.objects.exclude(account__code__regex="^(sales|tax|carried|rounding)")
    sums = lines.values_list("account__code", "currency").annotate(total=Sum("amount_minor"))
    return {(code, currency): total for code, currency, total in sums if total}


def test_the_worth_buys_what_it_would_have_bought(meter, rate, cashier):
    in_base = services.trial_vend(meter=meter, tender_minor=182_53, at=NOON)
    tried = services.trial_vend(
        meter=meter, tender_minor=10_00, currency="USD", at=NOON, operator=cashier
    )
    assert tried.lines == in_base.lines
    assert tried.paid
    assert (tried.paid.paid_minor, tried.paid.worth_minor) == (10_00, 182_53)
    sale = vend(meter, cashier)
    assert (sale.tender_minor, sale.currency, sale.encoded_wh) == (
        182_53, "ZAR", in_base.encoded_wh,
    )  # fmt: skip
    assert (sale.paid_minor, sale.received_currency, sale.exchange_rate) == (10_00, "USD", rate)
    assert sum(line.amount_minor for line in sale.lines.all()) == 182_53
    told = AuditEntry.objects.get(action="vending.vend").after or {}
    assert (told["paid_minor"], told["rate"]) == (10_00, "1 USD = 18.2537 ZAR")


def test_the_ledger_holds_each_line_in_its_currency(meter, rate, cashier):
    vend(meter, cashier)
    assert ledger() == {
        ("cash.tills", "USD"): 10_00,
        ("exchange.USD", "USD"): -10_00,
        ("exchange.USD", "ZAR"): 182_53,
    }
    assert differences_of(prove(at=NOON)) == []


def test_a_new_rate_changes_no_sale_before_it(meter, rate, cashier):
    sale = vend(meter, cashier)
    make_rate("20", at=NOON + timedelta(hours=1))
    later = vend(meter, cashier, message_id="m2", at=NOON + timedelta(hours=2))
    sale.refresh_from_db()
    assert (sale.exchange_rate, sale.tender_minor, later.tender_minor) == (rate, 182_53, 200_00)
    assert differences_of(prove(at=NOON)) == []


def test_a_message_stands_for_one_currency(meter, rate, cashier):
    sale = vend(meter, cashier)
    assert vend(meter, cashier) == sale
    for currency in ("", "ZAR"):
        with pytest.raises(MessageConflict):
            vend(meter, cashier, currency=currency)
    in_base = vend(meter, cashier, currency="", message_id="m2")
    assert vend(meter, cashier, currency="ZAR", message_id="m2") == in_base
    assert Sale.objects.count() == 2


def test_a_message_is_answered_after_its_currency_is_no_longer_taken(meter, cashier):
    make_rate("18.2537", rate_holds_hours=1)
    sale = vend(meter, cashier)
    assert vend(meter, cashier, at=NOON + timedelta(days=1)) == sale


def test_a_currency_that_is_not_accepted_buys_nothing(meter, rate, cashier):
    with pytest.raises(CurrencyNotAccepted):
        vend(meter, cashier, currency="EUR")
    assert not Sale.objects.exists()
    assert ledger() == {}


def test_money_is_given_back_as_it_was_paid(meter, rate, cashier):
    sale = vend(meter, cashier, hold_token=True)
    make_rate("25", at=NOON + timedelta(minutes=1))
    reversals.reverse(
        caller="till",
        message_id="r1",
        sale=sale,
        by=cashier,
        at=NOON + timedelta(hours=1),
        reason="wrong meter",
    )
    assert ledger() == {}
    told = AuditEntry.objects.get(action="vending.reverse").after or {}
    assert told["paid_minor"] == 10_00
    assert differences_of(prove(at=NOON)) == []


def test_a_vendor_sells_for_the_base_currency_only(rate):
    supply = make_supply()
    shop = Shop()
    shop.buy(1000_00)
    shop.open_shift()
    with pytest.raises(BaseCurrencyOnly, match="taken at the utility's own tills"):
        services.trial_vend(
            meter=supply.meter, tender_minor=10_00, currency="USD", at=NOON, operator=shop.cashier
        )
    with pytest.raises(BaseCurrencyOnly):
        vend(supply.meter, shop.cashier)
    assert not Sale.objects.exists()


def test_the_rate_is_asked_for_in_another_currency_only(meter, rate, cashier):
    vend(meter, cashier, currency="", message_id="m0")  # what is asked once is known from here
    with traffic() as in_base:
        vend(meter, cashier, currency="", message_id="m1")
    assert not any("currencies_" in sql for sql in in_base.statements)
    with traffic() as in_other:
        vend(meter, cashier, message_id="m2")
    assert any("currencies_rate" in sql for sql in in_other.statements)


def test_what_is_moved_to_another_meter_keeps_its_worth(meter, rate, cashier):
    sale = vend(meter, cashier)
    asked = reallocations.request(
        sale,
        to=make_supply().meter,
        bearer=Reallocation.Bearer.UTILITY,
        by=cashier,
        at=NOON + timedelta(hours=1),
        reason="wrong meter",
    )
    approver = create_user(username="approver", password=None, groups=("approver",))
    make_rate("25", at=NOON + timedelta(hours=1))
    moved = approvals.approve(asked, approver, NOON + timedelta(hours=2))
    new_sale = Reallocation.objects.get(pk=moved.target_id).new_sale
    assert (new_sale.tender_minor, new_sale.paid_minor) == (182_53, None)
    assert ledger()["cash.tills", "USD"] == 10_00
    assert differences_of(prove(at=NOON)) == []


def test_the_proofs_see_money_that_is_not_worth_its_tender(triggers_off, meter, rate, cashier):
    sale = vend(meter, cashier)
    Sale.objects.filter(pk=sale.pk).update(paid_minor=9_00)
    found = {(one.proof, one.currency) for one in differences_of(prove(at=NOON))}
    assert found == {
        ("money in another currency was worth its tender", "ZAR"),
        ("what was exchanged is what sales took in other currencies and was not sold", "USD"),
    }


def test_a_debt_is_paid_in_another_currency(meter, rate, cashier):
    debt = open_debt(
        owner=meter.agreements.get().customer,
        title="Meter bond",
        amount_minor=200_00,
        terms=Terms(method="percent", percent=Decimal(10)),
        by=console_user(),
        at=NOON,
    )
    asked: dict[str, Any] = {
        "caller": "till",
        "debt": debt,
        "operator": cashier,
        "at": NOON,
        "currency": "USD",
    }
    with pytest.raises(InvalidTender, match=r"this is worth R.200\.79"):
        debt_payments.pay(message_id="m1", amount_minor=11_00, **asked)
    sale = debt_payments.pay(message_id="m1", amount_minor=10_00, **asked)
    assert debt_payments.pay(message_id="m1", amount_minor=10_00, **asked) == sale
    debt.refresh_from_db()
    assert (debt.balance_minor, sale.paid_minor, sale.tender_minor) == (17_47, 10_00, 182_53)
    with pytest.raises(MessageConflict):
        debt_payments.pay(message_id="m1", amount_minor=10_00, **asked | {"currency": ""})
    assert differences_of(prove(at=NOON)) == []
