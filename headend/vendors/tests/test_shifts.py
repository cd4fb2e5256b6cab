"""Shifts: opened, sold in, counted, closed; the cash either is right or somebody says why not."""

import pytest

from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.ledger.proofs import differences_of, prove
from headend.testing import NOON
from headend.vending.models import Sale
from headend.vendors import services, shifts
from headend.vendors.errors import NoOpenShift, ShiftRefused, VendorSuspended
from headend.vendors.models import Shift
from headend.vendors.tests.conftest import Shop

pytestmark = pytest.mark.django_db


def test_a_shift_from_float_to_close(shop, supply):
    shop.buy(100_00)
    shift = shop.open_shift(float_minor=20_00)
    for tender_minor in (10_00, 15_50):
        assert shop.sell(tender_minor, supply).shift == shift
    shift.refresh_from_db()
    assert (shift.sales_count, shift.sold_minor, shift.expected_minor) == (2, 25_50, 45_50)
    shift = shifts.cash_up(shift, counted_minor=45_50, by=shop.cashier, at=NOON)
    assert shift.difference_minor == 0
    with pytest.raises(NoOpenShift):
        shop.sell(10_00, supply)
    shift = shifts.close(shift, by=shop.cashier, at=NOON)
    assert (shift.state, shift.closed_by) == (Shift.CLOSED, shop.cashier)
    acts = AuditEntry.objects.filter(object_type="vendors.shift").order_by("pk")
    assert [one.action.partition(".")[2] for one in acts] == [
        "open_shift", "cash_up", "close_shift",
    ]  # fmt: skip
    shop.open_shift()  # the next day


def test_cash_that_differs_is_explained_and_closed_by_somebody_else(shop):
    shift = shop.open_shift(float_minor=20_00)
    shift = shifts.cash_up(shift, counted_minor=19_00, by=shop.cashier, at=NOON)
    with pytest.raises(NotPermitted, match="a manager has to close"):
        shifts.close(shift, by=shop.cashier, at=NOON, note="no idea")
    with pytest.raises(ShiftRefused, match="say why"):
        shifts.close(shift, by=shop.manager, at=NOON)
    shift = shifts.close(shift, by=shop.manager, at=NOON, note="a wrong note")
    assert (shift.difference_minor, shift.note) == (-1_00, "a wrong note")


def test_the_drawer_may_be_counted_again_until_the_shift_is_closed(shop):
    shift = shop.open_shift(float_minor=20_00)
    with pytest.raises(ShiftRefused, match="is open; only a counted"):
        shifts.close(shift, by=shop.cashier, at=NOON)
    shifts.cash_up(shift, counted_minor=19_00, by=shop.cashier, at=NOON)
    shift = shifts.cash_up(shift, counted_minor=20_00, by=shop.cashier, at=NOON)
    shifts.close(shift, by=shop.cashier, at=NOON)
    with pytest.raises(ShiftRefused, match="closed already"):
        shifts.cash_up(shift, counted_minor=20_00, by=shop.cashier, at=NOON)
    with pytest.raises(ShiftRefused, match="is closed"):
        shifts.close(shift, by=shop.cashier, at=NOON)


def test_one_shift_at_a_till_and_one_of_an_operator(shop):
    shop.open_shift()
    second = services.add_till(shop.vendor, name="Counter 2", by=shop.by, at=NOON)
    with pytest.raises(ShiftRefused, match="close it first"):
        shop.open_shift(till=second)
    with pytest.raises(ShiftRefused, match="close it first"):
        shop.open_shift(shop.manager)
    shop.open_shift(shop.manager, second)


def test_who_may_open_count_and_close(shop, supply):
    other = Shop("Other Shop")
    with pytest.raises(NotPermitted, match="does not sell at"):
        shop.open_shift(other.cashier)
    with pytest.raises(NotPermitted, match="does not sell at"):
        shop.open_shift(shop.by)
    shift = shop.open_shift()
    with pytest.raises(NotPermitted, match="whose shift"):
        shifts.cash_up(shift, counted_minor=0, by=shop.manager, at=NOON)
    shifts.cash_up(shift, counted_minor=0, by=shop.cashier, at=NOON)
    for stranger in (other.manager, shop.by):
        with pytest.raises(NotPermitted, match="its own people"):
            shifts.close(shift, by=stranger, at=NOON)
    second = shop.person("second", "vendor cashier")
    with pytest.raises(NotPermitted, match="close_any_shift"):
        shifts.close(shift, by=second, at=NOON)


def test_no_shift_begins_while_suspended_or_with_less_than_no_cash(shop):
    with pytest.raises(ShiftRefused, match="must not be negative"):
        shop.open_shift(float_minor=-1)
    services.suspend(shop.vendor, by=shop.by, at=NOON, reason="unpaid")
    with pytest.raises(VendorSuspended):
        shop.open_shift()


def test_the_check_finds_a_shift_that_does_not_add_up(shop, supply):
    shop.buy(100_00)
    shift = shop.open_shift()
    shop.sell(10_00, supply)
    assert differences_of(prove(at=NOON)) == []
    Shift.objects.filter(pk=shift.pk).update(sold_minor=9_99)
    (found,) = differences_of(prove(at=NOON))
    assert (found.what, found.ledger_minor, found.elsewhere_minor) == (
        f"shift {shift.pk}", 10_00, 9_99,
    )  # fmt: skip
    assert Sale.objects.get().shift == shift
