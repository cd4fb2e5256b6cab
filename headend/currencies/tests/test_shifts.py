"""Cash of each currency is counted by itself, and all of it is in the ledger."""

import pytest
from django.db.models import Sum

from headend.accounts.services import console_user, create_user
from headend.config.errors import NotPermitted
from headend.ledger.cash import SafeTooLow
from headend.ledger.models import Line
from headend.ledger.proofs import differences_of, prove
from headend.testing import NOON, make_rate, make_supply
from headend.vending import reversals
from headend.vending.services import vend
from headend.vendors import services, shifts
from headend.vendors.errors import DrawerTooLow, ShiftRefused
from headend.vendors.tests.conftest import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def till(db):
    make_rate("18.2537")
    return services.add_till(None, name="Front desk", by=console_user(), at=NOON)


@pytest.fixture
def cashier(db):
    return create_user(username="cashier", password=None, groups=("cashier",))


def fill_safe(amount_minor, currency=""):
    shifts.fill_safe(
        amount_minor=amount_minor, currency=currency, by=console_user(), at=NOON, reason="floats"
    )


def opened(till, cashier, **others):
    fill_safe(20_00)
    return shifts.open_shift(till=till, float_minor=20_00, others=others, by=cashier, at=NOON)


def sell(cashier, tender_minor=10_00, *, currency="USD", message_id="m1", **more):
    return vend(
        caller="till",
        message_id=message_id,
        meter=make_supply().meter,
        tender_minor=tender_minor,
        currency=currency,
        operator=cashier,
        at=NOON,
        **more,
    )


def cash():
    """Where the utility's cash is, by account and currency, in minor units."""
    lines = Line.objects.filter(account__code__regex="^(cash|differences)")
    sums = lines.values_list("account__code", "currency").annotate(total=Sum("amount_minor"))
    return {(code.replace(".tills", ""), currency): total for code, currency, total in sums}


def test_each_currency_is_counted_by_itself(till, cashier):
    drawer = f"cash.{till.pk}"
    shift = opened(till, cashier)
    sell(cashier)
    sell(cashier, 50_00, currency="", message_id="m2")
    shift.refresh_from_db()
    assert (shift.sales_count, shift.expected_minor, shift.expected_in("USD")) == (2, 70_00, 10_00)
    assert (cash()[drawer, "ZAR"], cash()[drawer, "USD"]) == (70_00, 10_00)
    assert differences_of(prove(at=NOON)) == []
    with pytest.raises(ShiftRefused, match="had USD too"):
        shifts.cash_up(shift, counted_minor=70_00, by=cashier, at=NOON)
    counted = {"USD": 10_00}
    shift = shifts.cash_up(shift, counted_minor=70_00, others=counted, by=cashier, at=NOON)
    shifts.close(shift, by=cashier, at=NOON)
    assert (cash()["cash.safe", "ZAR"], cash()["cash.safe", "USD"]) == (70_00, 10_00)
    assert (cash()[drawer, "ZAR"], cash()[drawer, "USD"]) == (0, 0)
    assert differences_of(prove(at=NOON)) == []


def test_one_currency_over_does_not_make_up_for_another_short(till, cashier):
    shift = opened(till, cashier)
    sell(cashier)
    counted = {"USD": 9_00}
    shift = shifts.cash_up(shift, counted_minor=38_25, others=counted, by=cashier, at=NOON)
    with pytest.raises(NotPermitted, match=r"differs by R.18\.25 and −\$.1\.00"):
        shifts.close(shift, by=cashier, at=NOON)
    shifts.close(shift, by=console_user(), at=NOON, note="a note was taken for another")
    assert cash()["differences.cash", "ZAR"] == -18_25
    assert cash()["differences.cash", "USD"] == 1_00
    assert differences_of(prove(at=NOON)) == []


def test_a_drawer_begins_with_cash_of_several_currencies(till, cashier):
    fill_safe(5_01, "USD")
    shift = opened(till, cashier, USD=5_00)
    assert cash()["cash.safe", "USD"] == 1
    assert shift.expected_in("USD") == 5_00
    assert differences_of(prove(at=NOON)) == []


def test_cash_of_one_currency_does_not_stand_in_for_another(till, cashier):
    fill_safe(500_00)
    fill_safe(4_99, "USD")
    with pytest.raises(SafeTooLow, match=r"does not hold \$.5\.00, but \$.4\.99"):
        opened(till, cashier, USD=5_00)
    with pytest.raises(ShiftRefused, match="takes no EUR"):
        fill_safe(1, "EUR")


def test_cash_that_is_found_besides_is_over(till, cashier):
    shift = opened(till, cashier)
    found = {"USD": 2_00}
    shift = shifts.cash_up(shift, counted_minor=20_00, others=found, by=cashier, at=NOON)
    assert shift.differs
    shift = shifts.cash_up(shift, counted_minor=20_00, others={"USD": 0}, by=cashier, at=NOON)
    assert not shift.differs


def test_money_is_given_back_out_of_the_drawer_in_the_currency_paid(till, cashier):
    shift = opened(till, cashier)
    sale = sell(cashier, hold_token=True)
    words = {"caller": "till", "sale": sale, "by": cashier, "at": NOON, "reason": "mistyped"}
    reversals.reverse(message_id="r1", **words)
    shift.refresh_from_db()
    assert (shift.expected_in("USD"), shift.paid_out_count, shift.paid_out_minor) == (0, 1, 0)
    assert differences_of(prove(at=NOON)) == []


def test_another_drawer_that_lacks_the_currency_gives_nothing_back(till, cashier):
    sale = sell(cashier, hold_token=True)  # without a shift: the cash lies elsewhere
    opened(till, cashier)
    words = {"caller": "till", "sale": sale, "by": cashier, "at": NOON, "reason": "mistyped"}
    with pytest.raises(DrawerTooLow, match=r"does not hold \$.10\.00"):
        reversals.reverse(message_id="r1", **words)
    assert differences_of(prove(at=NOON)) == []


def test_a_vendors_drawer_holds_one_currency(till):
    shop = Shop()
    with pytest.raises(ShiftRefused, match="in ZAR only"):
        shifts.open_shift(
            till=shop.till, float_minor=0, others={"USD": 1}, by=shop.cashier, at=NOON
        )


def test_the_proofs_see_a_shift_that_counts_otherwise(till, cashier):
    shift = opened(till, cashier)
    sell(cashier)
    shift.others.update(sold_minor=9_99)
    found = {(one.proof, one.currency) for one in differences_of(prove(at=NOON))}
    assert found == {
        ("a shift's total is what was sold in it", "USD"),
        ("the cash in a drawer is that of its shift", "USD"),
    }
