"""Shifts at the utility's own tills: the same, and the drawer's cash is in the ledger."""

import pytest
from django.db.models import Sum

from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.config.opaque import id_of
from headend.ledger.cash import SafeTooLow
from headend.ledger.models import Line
from headend.ledger.proofs import differences_of, prove
from headend.ledger.queries import balance_minor
from headend.testing import NOON
from headend.vending.receipts import receipt_of
from headend.vending.services import vend
from headend.vendors import seats, services, shifts
from headend.vendors.errors import (
    DrawerTooLow,
    InvalidVendor,
    NoOpenShift,
    ShiftRefused,
    VendorSuspended,
)
from headend.vendors.models import Shift, Till

pytestmark = pytest.mark.django_db


@pytest.fixture
def till(db):
    return services.add_till(None, name="Front desk", by=console_user(), at=NOON)


@pytest.fixture
def cashier(db):
    return create_user(username="cashier", password=None, groups=("cashier",))


def sell(cashier, supply, tender_minor, message_id="m1"):
    return vend(
        caller="till",
        message_id=message_id,
        meter=supply.meter,
        tender_minor=tender_minor,
        operator=cashier,
        at=NOON,
    )


def cash():
    """Where the utility's cash is, in minor units."""
    lines = Line.objects.filter(account__code__regex="^(cash|differences)")
    return dict(lines.values_list("account__code").annotate(total=Sum("amount_minor")))


def opened(till, cashier, float_minor=20_00):
    shifts.fill_safe(amount_minor=float_minor, by=console_user(), at=NOON, reason="floats")
    return shifts.open_shift(till=till, float_minor=float_minor, by=cashier, at=NOON)


def test_the_drawers_account_is_what_should_be_in_it(till, cashier, supply):
    drawer = f"cash.tills.{till.pk}"
    shift = opened(till, cashier)
    assert cash() == {"cash.safe": 0, drawer: 20_00}
    sale = sell(cashier, supply, 50_00)
    assert (sale.vendor, sale.till, sale.shift) == (None, till, shift)
    assert receipt_of(sale).terminal == "Front desk"
    shift.refresh_from_db()
    assert shift.expected_minor == cash()[drawer] == 70_00
    shift = shifts.cash_up(shift, counted_minor=70_00, by=cashier, at=NOON)
    shifts.close(shift, by=cashier, at=NOON)
    assert cash() == {"cash.safe": 70_00, drawer: 0}
    assert differences_of(prove(at=NOON)) == []


@pytest.mark.parametrize("over_minor", [-1_50, 75])
def test_cash_over_or_short_has_an_account(till, cashier, supply, over_minor):
    shift = opened(till, cashier)
    sell(cashier, supply, 50_00)
    shift = shifts.cash_up(shift, counted_minor=70_00 + over_minor, by=cashier, at=NOON)
    with pytest.raises(NotPermitted, match="a manager has to close"):
        shifts.close(shift, by=cashier, at=NOON)
    shifts.close(shift, by=console_user(), at=NOON, note="counted twice")
    assert cash() == {
        "cash.safe": 70_00 + over_minor,
        f"cash.tills.{till.pk}": 0,
        "differences.cash": -over_minor,
    }
    assert differences_of(prove(at=NOON)) == []


def test_no_drawer_has_more_than_the_safe_holds(till, cashier):
    shifts.fill_safe(amount_minor=19_99, by=console_user(), at=NOON, reason="floats")
    with pytest.raises(SafeTooLow, match=r"does not hold R.20\.00, but R.19\.99; enter cash"):
        shifts.open_shift(till=till, float_minor=20_00, by=cashier, at=NOON)
    assert not Shift.objects.exists()
    assert cash() == {"cash.safe": 19_99}
    shifts.open_shift(till=till, float_minor=19_99, by=cashier, at=NOON)
    assert cash()["cash.safe"] == 0


def test_a_shift_may_begin_with_an_empty_drawer(till, cashier):
    assert shifts.open_shift(till=till, float_minor=0, by=cashier, at=NOON).expected_minor == 0


def test_a_role_can_be_held_to_shifts(till, cashier, supply):
    assert sell(cashier, supply, 10_00).shift is None
    permission = cashier.groups.get().permissions.get(codename="sell_without_shift")
    cashier.groups.get().permissions.remove(permission)
    held = type(cashier).objects.get(pk=cashier.pk)
    with pytest.raises(NoOpenShift, match="open one under Shift"):
        sell(held, supply, 10_00, "m2")
    opened(till, held)
    assert sell(held, supply, 10_00, "m2").till == till


def test_nothing_is_sold_beside_a_counted_shift_or_at_a_suspended_till(till, cashier, supply):
    shift = opened(till, cashier)
    services.set_till_active(till, False, by=console_user(), at=NOON, reason="broken")
    with pytest.raises(VendorSuspended, match="Front desk"):
        sell(cashier, supply, 10_00)
    services.set_till_active(till, True, by=console_user(), at=NOON, reason="mended")
    shifts.cash_up(shift, counted_minor=20_00, by=cashier, at=NOON)
    with pytest.raises(NoOpenShift, match="has been counted"):
        sell(cashier, supply, 10_00)


def test_cash_given_back_leaves_the_drawer(till, cashier):
    shift = opened(till, cashier)
    seat = seats.seat_of(cashier)
    assert seats.drawer(seat) == f"cash.tills.{till.pk}"
    seats.pay_out(seat, 15_00, currency="ZAR")
    shift.refresh_from_db()
    assert (shift.paid_out_count, shift.paid_out_minor, shift.expected_minor) == (1, 15_00, 5_00)
    with pytest.raises(DrawerTooLow, match="does not hold"):
        seats.pay_out(seat, 5_01, currency="ZAR")
    shifts.cash_up(shift, counted_minor=5_00, by=cashier, at=NOON)
    with pytest.raises(NoOpenShift, match="has been counted"):
        seats.pay_out(seat, 1_00, currency="ZAR")


def test_a_vendors_drawer_is_not_the_utilitys_money(shop, supply):
    shop.buy(100_00)
    shift = shop.open_shift(float_minor=20_00)
    shop.sell(30_00, supply)
    shift = shifts.cash_up(shift, counted_minor=49_00, by=shop.cashier, at=NOON)
    shifts.close(shift, by=shop.manager, at=NOON, note="short")
    assert cash() == {}


def test_vendors_and_the_utility_keep_to_their_own_tills(till, cashier, shop):
    for user, elsewhere in ((cashier, shop.till), (shop.cashier, till)):
        with pytest.raises(NotPermitted, match="does not sell at"):
            shifts.open_shift(till=elsewhere, float_minor=0, by=user, at=NOON)
    shift = opened(till, cashier)
    shifts.cash_up(shift, counted_minor=0, by=cashier, at=NOON)
    with pytest.raises(NotPermitted, match="its own people"):
        shifts.close(shift, by=shop.manager, at=NOON, note="x")
    with pytest.raises(InvalidVendor, match="the utility has a till Front desk"):
        services.add_till(None, name=" Front desk", by=console_user(), at=NOON)
    with pytest.raises(NotPermitted, match="decides nothing elsewhere"):
        services.set_till_active(till, False, by=shop.manager, at=NOON, reason="x")


def test_the_check_finds_a_drawer_that_is_not_its_shifts(till, cashier):
    shift = opened(till, cashier)
    assert differences_of(prove(at=NOON)) == []
    Shift.objects.filter(pk=shift.pk).update(float_minor=19_00)
    (found,) = differences_of(prove(at=NOON))
    assert (found.what, found.ledger_minor, found.elsewhere_minor) == (
        f"drawer of till {till.pk}", 20_00, 19_00,
    )  # fmt: skip


def test_a_day_at_the_utilitys_till_on_its_pages(log_in):
    admin, cashier = log_in("utility administrator"), log_in("cashier")
    assert "No till is free" in cashier.get("/shifts/").content.decode()
    admin.post("/shifts/tills/add/", {"name": "Window 1", "needs_shift": "on"})
    till = Till.objects.get()
    opening = {"till": till.pk, "float_cash": "10"}
    refused = cashier.post("/shifts/", opening)
    assert refused.status_code == 422
    assert "The safe does not hold" in refused.content.decode()
    admin.post("/shifts/tills/safe/", {"amount": "10", "reason": "floats"})
    cashier.post("/shifts/", opening)
    shift = Shift.objects.get()
    shown = admin.get("/shifts/tills/")
    assert shown.context["cash"][0]["drawers_minor"] == 10_00
    assert "Window 1" in shown.content.decode()
    page = f"/shifts/{id_of(shift)}/"
    cashier.post(page, {"count": "1", "counted": "9"})
    assert cashier.get(page).context["closing"] is None
    admin.post(page, {"close": "1", "note": "a coin rolled away"})
    assert admin.get("/shifts/tills/").context["cash"][0]["differences_minor"] == -1_00
    admin.post(f"/vendors/tills/{id_of(till)}/", {"reason": "closed"})
    assert not Till.objects.get().is_active
    assert balance_minor("cash", "ZAR") == 9_00
    assert cashier.get("/shifts/tills/").status_code == 403


def test_cash_from_the_bank_fills_the_safe(log_in, shop):
    admin = log_in("utility administrator")
    page = "/shifts/tills/safe/"
    assert admin.post(page, {"amount": "0", "reason": "floats"}).status_code == 422
    admin.post(page, {"amount": "500", "reason": "floats"})
    assert cash() == {"cash.safe": 500_00}
    assert balance_minor("bank", "ZAR") == -500_00
    assert AuditEntry.objects.filter(action="vendors.fill_safe").count() == 1
    assert log_in("cashier").get(page).status_code == 403
    with pytest.raises(ShiftRefused):
        shifts.fill_safe(amount_minor=-1, by=console_user(), at=NOON, reason="")
    with pytest.raises(NotPermitted):
        shifts.fill_safe(amount_minor=1, by=shop.manager, at=NOON, reason="")


def test_a_vendors_manager_sees_no_till_of_the_utility(shop, client, till):
    client.force_login(shop.manager)
    assert client.get("/shifts/tills/").status_code == 403
    assert client.get("/shifts/tills/add/").status_code == 403
    assert client.get(f"/vendors/tills/{id_of(till)}/").status_code == 404
