"""Pages of vendors: each person reaches their own vendor's and nobody else's."""

import csv
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from headend.accounts.models import Approval, User
from headend.accounts.services import create_user
from headend.config.opaque import id_of
from headend.ledger.queries import balance_minor
from headend.testing import NOON
from headend.vending import services as vending
from headend.vending.models import IssuedToken, ReceiptCopy
from headend.vendors import services, shifts, statements, wallet
from headend.vendors.models import Contract, Operator, Purchase, Shift, Till, Vendor
from headend.vendors.queries import vendor_of
from headend.vendors.tests.conftest import Shop

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon")]

FORBIDDEN, NOT_FOUND = 403, 404


def logged_in(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(log_in):
    return log_in("utility administrator")


@pytest.fixture
def other(supply):
    """Another vendor, with a sale in a shift."""
    other = Shop("Other Shop")
    other.buy(100_00)
    other.shift = other.open_shift()
    other.sale = other.sell(10_00, supply)
    return other


def pages_of(shop):
    """Every address of this capability that names something of a vendor's."""
    vendor = f"/vendors/{id_of(shop.vendor)}/"
    parts = (
        "",
        "statement/",
        "statement/?sheet",
        "shifts/",
        "credit/",
        "low-wallet/",
        "contract/",
        "status/",
    )
    return [
        *(vendor + part for part in (*parts, "tills/", "operators/")),
        f"/vendors/tills/{id_of(shop.till)}/",
        f"/vendors/operators/{id_of(shop.cashier.vendor_operator)}/",
        f"/vendors/operators/{id_of(shop.cashier.vendor_operator)}/remove/",
        f"/shifts/{id_of(shop.shift)}/",
    ]


def test_every_page_is_tried_below(other):
    """A page added to the urls has to be added to `pages_of` or to those without a vendor."""
    urls = ("headend.vendors.urls", "headend.vendors.shift_urls")
    assert get_resolver().url_patterns  # the site's, which know the ids in addresses
    patterns = [pattern for one in urls for pattern in get_resolver(one).url_patterns]
    tried = {page.partition("?")[0] for page in pages_of(other)}
    without = ["list", "add", "own shift", "own tills", "add an own till", "safe"]
    assert len(patterns) == len(tried) + len(without)


def test_the_list_says_what_the_ledger_does_in_as_many_queries_for_many_as_for_one(
    admin, other, django_assert_num_queries
):
    with CaptureQueriesContext(connection) as for_one:
        admin.get("/vendors/")
    for number in range(3):
        limit_minor = 7_00 * number
        terms = services.Terms(
            kind=Contract.Kind.DISCOUNT, percent=Decimal(0), credit_limit_minor=limit_minor
        )
        Shop(f"Shop {number}", terms).buy(50_00 + number)
    with django_assert_num_queries(len(for_one)):
        rows = admin.get("/vendors/").context["rows"]
    assert [row[1:] for row in rows] == [
        (wallet.balance_minor(row[0]), wallet.available_minor(row[0])) for row in rows
    ]
    assert {row[2] - row[1] for row in rows} == {0, 7_00, 14_00}


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_vendors_people_reach_no_page_of_another(shop, other, method):
    before = list(Vendor.objects.values()), list(Till.objects.values()), Operator.objects.count()
    sold = f"/sales/{other.sale.receipt_number}/"
    sales = [sold, *(sold + part for part in ("text/", "delivery/", "send/", "copy/"))]
    for user in (shop.cashier, shop.manager):
        client = logged_in(user)
        for page in pages_of(other) + sales:
            answer = getattr(client, method)(page, {"reason": "x", "name": "x"})
            assert answer.status_code in (FORBIDDEN, NOT_FOUND, 405), page
    after = list(Vendor.objects.values()), list(Till.objects.values()), Operator.objects.count()
    assert after == before
    assert not ReceiptCopy.objects.exists()
    assert not IssuedToken.objects.get().deliveries.exists()


def test_even_with_every_permission_a_vendors_person_stays_with_their_own(shop, other):
    shop.manager.groups.set([])
    shop.manager.is_superuser = True
    shop.manager.save()
    client = logged_in(shop.manager)
    for page in (*pages_of(other), f"/sales/{other.sale.receipt_number}/"):
        assert client.get(page).status_code == NOT_FOUND, page
    assert "Other Shop" not in client.get("/vendors/", follow=True).content.decode()


def test_sales_pages_list_ones_own_vendor_only(shop, other, supply, admin):
    shop.buy(100_00)
    shop.open_shift()
    own = shop.sell(20_00, supply)
    for user in (shop.cashier, shop.manager):
        page = logged_in(user).get("/sales/")
        assert list(page.context["page"]) == [own]
        assert page.context["totals"].tender_minor == 20_00
        page = logged_in(user).get("/sales/", {"q": other.sale.receipt_number})
        assert list(page.context["page"]) == []
    assert set(admin.get("/sales/").context["page"]) == {own, other.sale}
    assert logged_in(shop.cashier).get(f"/sales/{own.receipt_number}/").status_code == 200


def test_somebody_of_no_vendor_sees_nobodys_sales(log_in, other):
    stray = log_in("vendor manager")
    assert list(stray.get("/sales/").context["page"]) == []
    assert stray.get(f"/sales/{other.sale.receipt_number}/").status_code == NOT_FOUND
    assert stray.get(f"/vendors/{id_of(other.vendor)}/").status_code == NOT_FOUND


def test_each_is_led_to_their_own(shop, admin):
    def led_to(client):
        return client.get("/vendors/", follow=True).request["PATH_INFO"]

    assert led_to(admin) == "/vendors/"
    assert led_to(logged_in(shop.manager)) == f"/vendors/{id_of(shop.vendor)}/"
    assert logged_in(shop.cashier).get("/vendors/").status_code == FORBIDDEN


def test_a_vendor_from_first_page_to_first_sale(admin, log_in, supply):
    admin.post("/vendors/add/", {"name": "New Shop", "tax_number": "T9"})
    vendor = Vendor.objects.get(name="New Shop")
    page = f"/vendors/{id_of(vendor)}/"
    terms = {"kind": "discount", "percent": "3", "tax": "none", "tax_percent": "0"}
    admin.post(page + "contract/", terms)
    admin.post(page + "tills/", {"name": "Front", "needs_shift": "on"})
    cashier = log_in("vendor cashier")
    admin.post(page + "operators/", {"username": cashier.user.username})
    admin.post(page + "credit/", {"paid": "97", "payment_reference": "bank 1"})
    shown = admin.get(page).content.decode()
    assert "Waits for a second person" in shown
    approver = log_in("approver")
    (request,) = approver.get("/approvals/").context["to_decide"]
    approver.post(f"/approvals/{id_of(request[0])}/", {"decision": "approve"})
    assert Purchase.objects.get().credit_minor == 100_00
    till = vendor.tills.get()
    cashier.post("/shifts/", {"till": till.pk, "float_cash": "0"})
    shift = Shift.objects.get()
    confirm = f"/till/{supply.meter.drn}/confirm/"
    form = cashier.get(confirm, {"amount": "50"}, follow=True).context["form"]
    answer = cashier.post(
        confirm, {"amount": "50", "message_id": str(form["message_id"].value())}, follow=True
    )
    receipt = answer.content.decode()
    for told in ("New Shop", "T9", "Front"):
        assert told in receipt
    page = f"/shifts/{id_of(shift)}/"
    cashier.post(page, {"count": "1", "counted": "50.00"})
    cashier.post(page, {"close": "1", "note": ""})
    shift.refresh_from_db()
    assert (shift.state, shift.sold_minor) == (Shift.CLOSED, 50_00)
    assert wallet.balance_minor(vendor) == 50_00


def test_the_till_says_why_nothing_can_be_sold(shop, supply):
    client = logged_in(shop.cashier)
    answer = client.get(f"/till/{supply.meter.drn}/confirm/", {"amount": "50"})
    assert "no open shift" in answer.content.decode()
    shop.open_shift()
    answer = client.get(f"/till/{supply.meter.drn}/confirm/", {"amount": "50"})
    assert "must buy credit" in answer.content.decode()


def test_suspending_from_the_page_holds_at_once(shop, other, admin):
    page = f"/vendors/{id_of(other.vendor)}/status/"
    assert "can sell nothing" in admin.get(page).content.decode()
    admin.post(page, {"reason": "unpaid"})
    other.vendor.refresh_from_db()
    assert other.vendor.status == Vendor.SUSPENDED
    assert not other.vendor.purses.filter(is_open=True).exists()
    assert "Let it sell again" in admin.get(f"/vendors/{id_of(other.vendor)}/").content.decode()


def test_a_manager_suspends_own_tills_and_people(shop):
    client = logged_in(shop.manager)
    client.post(f"/vendors/tills/{id_of(shop.till)}/", {"reason": "broken"})
    client.post(f"/vendors/operators/{id_of(shop.cashier.vendor_operator)}/", {"reason": "left"})
    assert not Till.objects.get(pk=shop.till.pk).is_active
    assert not Operator.objects.get(user=shop.cashier).is_active
    assert client.get(f"/vendors/{id_of(shop.vendor)}/contract/").status_code == FORBIDDEN


def test_a_shift_with_a_difference_waits_for_the_manager(shop):
    shift = shop.open_shift(float_minor=10_00)
    page = f"/shifts/{id_of(shift)}/"
    cashier, manager = logged_in(shop.cashier), logged_in(shop.manager)
    assert cashier.post(page, {"count": "1", "counted": "x"}).status_code == 422
    shown = cashier.post(page, {"count": "1", "counted": "9"}, follow=True)
    assert "have a manager close" in shown.content.decode()
    assert shown.context["closing"] is None
    assert manager.post(page, {"close": "1", "note": ""}).status_code == 422
    manager.post(page, {"close": "1", "note": "torn note"})
    assert Shift.objects.get(pk=shift.pk).note == "torn note"


def test_cashiers_see_their_own_shifts_only(shop):
    shift = shop.open_shift()
    second = shop.person("second", "vendor cashier")
    assert logged_in(second).get(f"/shifts/{id_of(shift)}/").status_code == NOT_FOUND
    assert logged_in(shop.manager).get(f"/shifts/{id_of(shift)}/").status_code == 200


def test_a_statement_adds_up_to_the_ledger(supply, log_in):
    shop = Shop(terms=services.Terms(kind="commission", percent=Decimal(2)))
    shop.buy(100_00)
    shop.open_shift()
    for tender_minor in (10_00, 20_00):
        shop.sell(tender_minor, supply)
    told = statements.statement(shop.vendor)
    assert (told.opening_minor, told.came_in_minor, told.went_out_minor) == (0, 100_00, 29_40)
    assert told.closing_minor == wallet.balance_minor(shop.vendor) == 70_60
    assert told.earned_minor == balance_minor(shop.vendor.earnings, "ZAR") == 60
    assert [line.earned_minor for line in told.lines] == [0, 20, 40]
    assert [line.balance_minor for line in told.lines] == [100_00, 90_20, 70_60]
    page = f"/vendors/{id_of(shop.vendor)}/statement/"
    client = logged_in(shop.manager)
    assert client.get(page).context["statement"].closing_minor == 70_60
    sheet = list(csv.DictReader(client.get(page, {"sheet": ""}).content.decode().splitlines()))
    moved = sum(int(row["in"]) - int(row["out"]) for row in sheet)
    assert moved == int(sheet[-1]["balance"]) == 70_60
    later = client.get(page, {"first_day": "2026-11-22"}).context["statement"]
    assert (later.opening_minor, later.closing_minor) == (70_60, 70_60)


def test_a_statement_for_paper_has_every_line_and_says_whose_and_of_when(
    supply, log_in, settings, monkeypatch
):
    settings.UTILITY_NAME, settings.UTILITY_TAX_NUMBER = "City Power", "U-9"
    monkeypatch.setattr("headend.vendors.views.PER_PAGE", 1)
    shop = Shop()
    shop.buy(100_00)
    shop.open_shift()
    shop.sell(20_00, supply)
    page = f"/vendors/{id_of(shop.vendor)}/statement/"
    client = log_in("auditor")
    assert len(client.get(page).context["page"]) == 1
    paper = client.get(page + "?print&first_day=2026-11-01")
    assert len(paper.context["page"]) == 2
    text = paper.content.decode()
    for part in ("City Power", "U-9", "Statement of Corner Shop", "TX-1", "From 2026-11-01"):
        assert part in text


def test_a_statement_tells_the_tax_so_that_each_line_adds_up_to_its_sale(supply):
    terms = services.Terms("commission", Decimal("2.5"), tax="added", tax_percent=Decimal(15))
    shop, other_shop = Shop(terms=terms), Shop(name="Elsewhere", terms=terms)
    for one in (shop, other_shop):
        one.buy(300_00)
        one.open_shift()
        for tender_minor in (100_00, 33_33):
            one.sell(tender_minor, supply)
    told = statements.statement(shop.vendor)
    by_hand = [(300_00, 0, 0), (97_12, 2_50, 38), (32_37, 83, 13)]
    assert [
        (abs(line.amount_minor), line.earned_minor, line.tax_minor) for line in told.lines
    ] == by_hand
    assert (told.earned_minor, told.tax_minor) == (3_33, 51)
    page = f"/vendors/{id_of(shop.vendor)}/"
    shown = logged_in(shop.manager).get(page + "statement/").content.decode()
    assert "and R\u00a00.51 tax on it" in shown
    assert "Commission 2.5 %" in logged_in(shop.manager).get(page).content.decode()


def test_a_shift_is_named_by_the_utilitys_time(shop):
    assert str(shop.open_shift()).endswith("2026-11-21 14:00")


@pytest.mark.parametrize("group", ["auditor", "approver", "utility administrator"])
def test_every_page_opens_for_whom_it_is_meant(log_in, other, group):
    client = log_in(group)
    shifts.cash_up(other.shift, counted_minor=1, by=other.cashier, at=NOON)
    for page in ("/vendors/", "/shifts/", *pages_of(other)):
        is_open_to_all = page in ("/vendors/", *(pages_of(other)[at] for at in (0, 1, 2, 3, -1)))
        may_all = group == "utility administrator" or page == "/shifts/"
        expected = 200 if is_open_to_all or may_all else FORBIDDEN
        assert client.get(page).status_code == expected, page


def test_a_meters_page_tells_nobody_what_other_vendors_did(shop, other, supply, admin):
    vending.send_to_meter(sale=other.sale, by=other.cashier, at=NOON)
    page = f"/meters/{supply.meter.drn}/"
    for part in ("", "activity/"):
        told = logged_in(shop.cashier).get(page + part)
        assert told.context["history"] == []
        assert other.cashier.username not in told.content.decode()
        assert len(logged_in(other.manager).get(page + part).context["history"]) == 1
        assert len(admin.get(page + part).context["history"]) == 1


def test_what_waits_is_told_and_leads_there_only_who_may_see_it(shop, admin):
    shop.ask_for_credit(50_00)
    page = f"/vendors/{id_of(shop.vendor)}/"
    asked = id_of(Approval.objects.get())
    colleague = logged_in(shop.person("colleague", "vendor manager"))
    for client, is_led in ((logged_in(shop.manager), True), (admin, True), (colleague, False)):
        told = client.get(page).content.decode()
        assert "Waits for a second person" in told
        assert (f"/approvals/{asked}/" in told) == is_led
        found = client.get(f"/approvals/{asked}/").status_code
        assert found == (200 if is_led else NOT_FOUND)


@pytest.mark.parametrize("group", ["approver", "utility administrator", "engineer"])
def test_who_decides_for_the_utility_becomes_no_vendors_person(shop, admin, group):
    decides = create_user(username="decides", password=None, groups=(group,))
    page = f"/vendors/{id_of(shop.vendor)}/operators/"
    answer = admin.post(page, {"username": "decides"})
    assert "take them out of those groups first" in answer.content.decode()
    assert not Operator.objects.filter(user=decides).exists()
    own = admin.post(page, {"username": admin.user.username})
    assert own.status_code == 422


def test_a_wrong_operator_is_removed_and_one_who_worked_is_suspended(shop, admin):
    page = f"/vendors/{id_of(shop.vendor)}/"
    stray = create_user(username="stray", password=None, groups=("cashier",))
    admin.post(page + "operators/", {"username": "stray"})
    shop.open_shift()
    shown = admin.get(page).content.decode()
    removals = {
        user: f"/vendors/operators/{id_of(user.vendor_operator)}/remove/"
        for user in (stray, shop.cashier)
    }
    assert [user for user, address in removals.items() if address in shown] == [stray]
    assert admin.post(removals[stray], {"reason": "typed the wrong name"}).status_code == 302
    refused = admin.post(removals[shop.cashier], {"reason": "left"})
    assert "has worked for Corner Shop; suspend them" in refused.content.decode()
    assert set(Operator.objects.values_list("user", flat=True)) == {
        shop.cashier.pk,
        shop.manager.pk,
    }
    assert vendor_of(User.objects.get(pk=stray.pk)) is None
