"""Pages: currencies and their rates, the till, the drawer, the sale and its receipt."""

from datetime import timedelta

import pytest

from headend.accounts.models import Approval
from headend.config.opaque import id_of
from headend.currencies.models import Currency, Rate
from headend.testing import NOON, make_rate, make_supply
from headend.vending.models import Sale
from headend.vending.receipts import receipt_of, render_text
from headend.vendors.models import Shift, Till
from headend.vendors.tests.conftest import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def drn(db):
    return make_supply().meter.drn


@pytest.fixture
def rate(db):
    return make_rate("18.2537")


@pytest.fixture
def cashier(log_in):
    return log_in("cashier")


def text_of(answer):
    return " ".join(answer.content.decode().replace("&#x27;", "'").split())


def sold(cashier, drn, amount="10", currency="USD"):
    asked = {"amount": amount, "currency": currency}
    page = cashier.get(f"/till/{drn}/confirm/", asked, follow=True)
    form = page.context["form"]
    fields = {name: str(form[name].value() or "") for name in form.fields}
    return page, cashier.post(f"/till/{drn}/confirm/", fields, follow=True)


def test_a_currency_is_taken_and_its_rate_approved_on_pages(log_in):
    admin, approver, cashier = map(log_in, ("utility administrator", "approver", "cashier"))
    assert "in ZAR only" in text_of(admin.get("/currencies/"))
    assert admin.post("/currencies/add/", {"code": "ZAR", "is_accepted": "on"}).status_code == 422
    asked = {"code": "USD", "is_accepted": "on", "rate_holds_hours": "48"}
    assert admin.post("/currencies/add/", asked).headers["Location"] == "/currencies/USD/"
    wrong = {"units": "1", "base_units": "x", "reason": "bank"}
    assert "is not a number" in text_of(admin.post("/currencies/USD/propose/", wrong))
    right = wrong | {"base_units": "18,2537"}
    page = text_of(admin.post("/currencies/USD/propose/", right, follow=True))
    assert "Exchange rate 1 USD = 18.2537 ZAR from approval on; the first one" in page
    assert "no rate yet" in page
    request = Approval.objects.get()
    assert request.summary in text_of(approver.get("/approvals/"))
    approver.post(f"/approvals/{id_of(request)}/", {"decision": "approve", "reason": ""})
    assert Rate.objects.get().approved_by == approver.user
    page = approver.get("/currencies/USD/")
    assert "Customers may pay in it" in text_of(page)
    assert [one.words for one in page.context["page"]] == ["1 USD = 18.2537 ZAR"]
    admin.post("/currencies/USD/terms/", {"rate_holds_hours": ""})
    assert "not taken" in text_of(admin.get("/currencies/"))
    assert not Currency.objects.get().is_accepted
    assert cashier.get("/currencies/").status_code == 403
    assert approver.get("/currencies/add/").status_code == 403
    assert admin.get("/currencies/EUR/").status_code == 404


def test_the_till_shows_both_amounts_and_sells(cashier, drn, rate):
    page = text_of(cashier.get(f"/till/{drn}/trial/", {"amount": "10", "currency": "USD"}))
    assert "kWh for $ 10.00, worth R 182.53" in page
    before, done = sold(cashier, drn)
    asked = text_of(before)
    for sentence in ("Vend $ 10.00?", "1 USD = 18.2537 ZAR", "R 182.53; no change is given"):
        assert sentence in asked
    assert "for $ 10.00" in text_of(done)
    sale = Sale.objects.get()
    assert (sale.paid_minor, sale.tender_minor) == (10_00, 182_53)
    listed = text_of(cashier.get("/sales/"))
    assert "1 sale · R 182.53 received, of which $ 10.00 at their rates" in listed
    page = text_of(cashier.get(f"/sales/{sale.receipt_number}/reverse/"))
    assert "can't be reversed" in page


def test_without_a_rate_the_till_asks_for_no_currency(cashier, drn):
    assert 'name="currency"' not in text_of(cashier.get(f"/till/{drn}/"))


def test_a_currency_that_is_taken_no_more_is_refused_in_words(cashier, drn, rate):
    page = cashier.get(f"/till/{drn}/confirm/", {"amount": "10", "currency": "EUR"})
    assert page.status_code == 422
    assert "EUR is not accepted here; pay in ZAR, USD" in text_of(page)


@pytest.mark.parametrize(
    ("amount", "currency", "reason"),
    [
        ("1.001", "USD", "At most 2 decimals"),
        ("R 10", "USD", "Write the amount in digits, in USD"),
        ("USD 10", "", "Write the amount in digits, in ZAR"),
        ("10.5", "JPY", "No decimals"),
    ],
)
def test_the_amount_is_one_of_its_currency(cashier, drn, rate, amount, currency, reason):
    make_rate("0.12", code="JPY")
    page = cashier.get(f"/till/{drn}/confirm/", {"amount": amount, "currency": currency})
    assert page.status_code == 422
    assert reason in text_of(page)


def test_a_vendors_till_takes_the_base_currency_only(client, at_noon, drn, rate):
    shop = Shop()
    shop.buy(1000_00)
    shop.open_shift()
    client.force_login(shop.cashier)
    assert 'name="currency"' not in text_of(client.get(f"/till/{drn}/"))
    page = client.get(f"/till/{drn}/confirm/", {"amount": "10", "currency": "USD"})
    assert "taken at the utility's own tills" in text_of(page)


def test_the_receipt_states_what_was_paid_and_how_it_was_reckoned(cashier, drn, rate):
    sold(cashier, drn)
    receipt = receipt_of(Sale.objects.get())
    assert receipt.exchange == (
        ("Paid", "$\u00a010.00"),
        ("Rate", "1 USD = 18.2537 ZAR"),
        ("Rate of", "2026-11-21 14:00 SAST"),
        ("Rounded off", "R\u00a00.007"),
    )
    for paper_mm in (58, 80):
        text = render_text(receipt, paper_mm=paper_mm)
        assert "1 USD = 18.2537 ZAR" in text
        assert text.index("Paid") < text.index("TENDER")
    later = make_rate("25", at=NOON + timedelta(hours=1))
    assert later.words not in render_text(receipt_of(Sale.objects.get()))


def test_a_sale_in_the_base_currency_states_no_rate(cashier, drn, rate):
    sold(cashier, drn, "50", "")
    assert receipt_of(Sale.objects.get()).exchange == ()


def test_a_drawer_is_opened_and_counted_by_currency(log_in, cashier, drn, rate):
    admin = log_in("utility administrator")
    admin.post("/shifts/tills/add/", {"name": "Window 1", "needs_shift": "on"})
    opening = {"till": Till.objects.get().pk, "float_cash": "10", "cash_USD": "5"}
    for currency in ("ZAR", "USD"):
        typed = {"amount": "10", "currency": currency, "reason": "floats"}
        admin.post("/shifts/tills/safe/", typed)
    cashier.post("/shifts/", opening)
    sold(cashier, drn)
    page = cashier.get("/shifts/", follow=True)
    shown = text_of(page)
    assert '<th class="number">USD</th>' in shown
    assert "<td>+ sold</td>" in shown
    assert "$ 10.00" in shown
    assert "$ 15.00" in shown  # should be in the drawer
    address = page.redirect_chain[-1][0]
    assert cashier.post(address, {"count": "1", "counted": "10"}).status_code == 422
    cashier.post(address, {"count": "1", "counted": "10", "cash_USD": "14"})
    assert "$ 1.00 short" in text_of(cashier.get(address))
    assert cashier.get(address).context["needs_manager"]
    admin.post(address, {"close": "1", "note": "one note torn"})
    assert Shift.objects.get().state == Shift.CLOSED
    held = {one["currency"]: one for one in admin.get("/shifts/tills/").context["cash"]}
    assert (held["USD"]["safe_minor"], held["USD"]["differences_minor"]) == (
        10_00 - 5_00 + 14_00,
        -1_00,
    )
    assert "$ 1.00 short in USD" in text_of(admin.get("/shifts/tills/"))
