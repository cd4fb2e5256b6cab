"""The till: find, trial, confirm, vend once."""

import uuid
from decimal import Decimal

import pytest

from headend.accounts.services import console_user
from headend.config.opaque import id_of
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.meters.models import Meter
from headend.testing import NOON, make_meter, make_supply
from headend.vending.models import Sale

pytestmark = pytest.mark.django_db


@pytest.fixture
def supply():
    return make_supply()


@pytest.fixture
def drn(supply):
    return supply.meter.drn


@pytest.fixture
def cashier(log_in):
    return log_in("cashier")


def text_of(answer):
    return " ".join(answer.content.decode().replace("&#x27;", "'").split())


def confirmation(cashier, drn, amount="50"):
    """The fields of the confirm page's form, as a browser would send them."""
    page = cashier.get(f"/till/{drn}/confirm/", {"amount": amount}, follow=True)
    form = page.context["form"]
    return {name: str(form[name].value() or "") for name in form.fields}


@pytest.mark.parametrize("text", ["{drn}", "{pan}", "nomsa", "dube test road", "1 Test"])
def test_one_hit_leads_straight_to_the_amount(cashier, supply, text):
    typed = text.format(drn=supply.meter.drn, pan=supply.meter.pan)
    answer = cashier.get("/till/", {"q": typed})
    assert answer.headers["Location"] == f"/till/{supply.meter.drn}/"


def test_several_hits_are_a_choice(cashier, supply):
    other = make_supply()
    page = text_of(cashier.get("/till/", {"q": "nomsa"}))
    assert supply.meter.drn in page
    assert other.meter.drn in page


def test_while_typing_even_one_hit_is_only_shown(cashier, drn):
    answer = cashier.get("/till/", {"q": drn}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert drn in text_of(answer)
    assert "<html" not in text_of(answer)


def test_nobody_found_says_what_to_try(cashier, supply):
    assert "Nobody found" in text_of(cashier.get("/till/", {"q": "zzz"}))


def test_a_meter_that_serves_nobody_is_named(cashier, supply):
    idle = make_meter()
    page = text_of(cashier.get("/till/", {"q": idle.drn}))
    assert f"Meter {idle.drn} serves nobody" in page
    assert "serves nobody" in text_of(cashier.get(f"/till/{idle.drn}/"))


def test_a_trial_shows_the_price_and_stores_nothing(cashier, drn):
    last_tid = Meter.objects.get(drn=drn).last_tid
    page = text_of(cashier.get(f"/till/{drn}/trial/", {"amount": "50"}))
    assert "17.3 <small>kWh</small>" in page
    assert "VAT 15 %</dt><dd>R\u00a06.52" in page.replace("R ", "R\u00a0")
    assert Sale.objects.count() == 0
    assert Meter.objects.get(drn=drn).last_tid == last_tid


def test_so_many_kwh_cost_so_much_and_the_amount_is_filled_in(cashier, drn):
    page = cashier.get(f"/till/{drn}/", {"kwh": "40"}, follow=True)
    assert page.redirect_chain == [(f"/till/{drn}/?amount=115.00", 302)]  # 40 x 2.50 x 1.15
    assert 'value="115.00"' in text_of(page)
    assert "40.0 <small>kWh" in text_of(page)
    assert Sale.objects.count() == 0


@pytest.mark.parametrize(
    ("kwh", "reason"),
    [("", "Type how many kWh"), ("4o", "write kWh as 8 or 7.5"), ("0", "No payment buys 0 kWh")],
)
def test_energy_that_has_no_price_is_refused(cashier, drn, kwh, reason):
    page = text_of(cashier.get(f"/till/{drn}/", {"kwh": kwh}))
    assert reason in page


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("", "Type how much money"),
        ("5o", "Write the amount in digits"),
        ("-5", "Write the amount in digits"),
        ("٥٠", "Write the amount in digits"),
        ("0.00", "more than zero"),
        ("1.001", "At most 2 decimals"),
        ("9" * 12, "more than can be sold at once"),
        ("9" * 20, "more than can be sold at once"),
        ("0.10", "buys less than 0.1"),
    ],
)
def test_an_amount_that_cannot_be_sold_is_refused_before_the_confirmation(
    cashier, drn, amount, reason
):
    answer = cashier.get(f"/till/{drn}/confirm/", {"amount": amount})
    assert answer.status_code == 422
    assert reason in text_of(answer)


@pytest.mark.parametrize("amount", ["50", "50.00", "50,00", " R 50.00 ", "0050.0"])
def test_an_amount_may_be_written_in_several_ways(cashier, drn, amount):
    page = cashier.get(f"/till/{drn}/confirm/", {"amount": amount}, follow=True)
    assert page.context["quote"].tender_minor == 5000


def test_the_confirmation_says_exactly_what_will_happen(cashier, supply, drn):
    answer = cashier.get(f"/till/{drn}/confirm/", {"amount": "50"}, follow=True)
    page = text_of(answer).replace("\u00a0", " ")
    for sentence in (
        "Vend R 50.00?",
        "17.3 <small>kWh for R 50.00",
        supply.customer.name,
        supply.premises.address,
        f"made for meter {drn} and for no other",
        "can't be undone",
    ):
        assert sentence in page
    assert Sale.objects.count() == 0


def test_confirming_sells_and_leads_to_the_receipt(cashier, drn):
    answer = cashier.post(f"/till/{drn}/confirm/", confirmation(cashier, drn))
    sale = Sale.objects.get()
    assert answer.headers["Location"] == f"/sales/{sale.receipt_number}/?sold"
    assert (sale.tender_minor, sale.operator, sale.meter.drn) == (5000, cashier.user, drn)
    assert sale.particulars["terminal"] == "Web till"
    page = text_of(cashier.get(answer.headers["Location"]))
    digits = sale.tokens.get().digits
    assert " ".join(f"<span>{digits[at : at + 4]}</span>" for at in range(0, 20, 4)) in page


def test_a_token_whose_page_never_opened_is_not_given_out_by_looking(cashier, drn):
    cashier.post(f"/till/{drn}/confirm/", confirmation(cashier, drn))
    sale = Sale.objects.get()
    from_the_list = text_of(cashier.get(f"/sales/{sale.receipt_number}/"))
    assert "Nobody has the token yet" in from_the_list
    digits = sale.tokens.get().digits
    assert digits[:4] not in from_the_list
    assert digits[:4] in text_of(cashier.get(f"/sales/{sale.receipt_number}/?sold"))


def test_sending_the_confirmation_twice_gives_one_sale_and_the_same_receipt(cashier, drn):
    form = confirmation(cashier, drn)
    first = cashier.post(f"/till/{drn}/confirm/", form)
    second = cashier.post(f"/till/{drn}/confirm/", form)
    assert first.headers["Location"] == second.headers["Location"]
    assert Sale.objects.count() == 1


def test_the_confirm_page_of_a_finished_sale_leads_to_its_receipt(cashier, drn):
    form = confirmation(cashier, drn)
    cashier.post(f"/till/{drn}/confirm/", form)
    again = cashier.get(f"/till/{drn}/confirm/", form, follow=True)
    (sale,) = Sale.objects.all()
    assert again.redirect_chain == [(f"/sales/{sale.receipt_number}/", 302)]
    assert "This was sold already" in text_of(again)


def test_two_confirm_pages_are_two_sales(cashier, drn):
    for _ in range(2):
        cashier.post(f"/till/{drn}/confirm/", confirmation(cashier, drn))
    assert Sale.objects.count() == 2


def test_a_form_that_was_altered_after_selling_is_refused_and_sells_nothing(cashier, drn):
    form = confirmation(cashier, drn)
    cashier.post(f"/till/{drn}/confirm/", form)
    answer = cashier.post(f"/till/{drn}/confirm/", {**form, "amount": "60"})
    assert answer.status_code == 422
    assert "already stands for receipt" in text_of(answer)
    assert "You have received" not in text_of(answer)
    assert Sale.objects.count() == 1


@pytest.mark.parametrize("change", [{"message_id": "x"}, {"message_id": ""}, {"amount": "x"}])
def test_a_broken_form_sells_nothing(cashier, drn, change):
    form = {"amount": "50", "message_id": str(uuid.uuid4()), **change}
    answer = cashier.post(f"/till/{drn}/confirm/", form)
    assert answer.status_code == 422
    assert "nothing was sold" in text_of(answer)
    assert Sale.objects.count() == 0


def test_a_message_id_of_somebody_else_finds_nothing(log_in, drn):
    form = {"amount": "50", "message_id": str(uuid.uuid4())}
    for group in ("cashier", "utility administrator"):
        log_in(group).post(f"/till/{drn}/confirm/", form)
    assert Sale.objects.count() == 2
    assert Sale.objects.values("caller").distinct().count() == 2


@pytest.mark.parametrize("group", ["engineer", "auditor"])
def test_only_those_who_vend_may_use_the_till(log_in, drn, group):
    client = log_in(group)
    form = {"amount": "50", "message_id": str(uuid.uuid4())}
    assert client.get("/till/").status_code == 403
    assert client.get(f"/till/{drn}/trial/", {"amount": "50"}).status_code == 403
    assert client.post(f"/till/{drn}/confirm/", form).status_code == 403
    assert Sale.objects.count() == 0


def test_the_last_sales_are_ones_own(cashier, log_in, drn):
    form = {"amount": "70", "message_id": str(uuid.uuid4())}
    log_in("utility administrator").post(f"/till/{drn}/confirm/", form)
    assert "None yet" in text_of(cashier.get("/till/"))
    cashier.post(f"/till/{drn}/confirm/", confirmation(cashier, drn))
    assert [sale.tender_minor for sale in cashier.get("/till/").context["last_sales"]] == [5000]


def test_confirming_makes_a_bounded_number_of_queries(cashier, drn, django_assert_max_num_queries):
    form = confirmation(cashier, drn)
    with django_assert_max_num_queries(45):
        cashier.post(f"/till/{drn}/confirm/", form)


def owe(supply):
    return open_debt(
        owner=supply.customer,
        title="Arrears",
        amount_minor=100_00,
        terms=Terms(method="percent", percent=Decimal(80)),
        by=console_user(),
        at=NOON,
    )


def test_a_debt_is_paid_without_energy_once(cashier, supply, drn):
    debt = owe(supply)
    path = f"/till/debt/{id_of(debt)}/"
    assert path in text_of(cashier.get(f"/till/{drn}/"))
    assert 'value="100.00"' in text_of(cashier.get(path, follow=True))
    asked = {"amount": "30", "message_id": uuid.uuid4()}
    for _ in range(2):
        answer = cashier.post(path, asked, follow=True)
        assert "Received:" in text_of(answer)
        assert "No token" in text_of(answer)
    debt.refresh_from_db()
    assert debt.balance_minor == 70_00
    assert cashier.post(path, {"amount": "71", "message_id": uuid.uuid4()}).status_code == 422


def test_going_back_to_the_page_of_a_payment_leads_to_its_receipt(cashier, supply):
    debt = owe(supply)
    page = cashier.get(f"/till/debt/{id_of(debt)}/")
    message_id = cashier.get(page.url).context["form"]["message_id"].value()
    cashier.post(page.url, {"amount": "30", "message_id": message_id})
    back = cashier.get(page.url, follow=True)
    assert back.redirect_chain[-1][0] == f"/sales/{Sale.objects.get().receipt_number}/"
    assert "taken already" in text_of(back)


def test_the_customer_may_waive_the_share_kept_for_energy(cashier, supply, drn):
    owe(supply)
    assert "Debts first" in text_of(cashier.get(f"/till/{drn}/"))
    asked = {"amount": "50", "waive_floor": "on"}
    assert "40.00" in text_of(cashier.get(f"/till/{drn}/trial/", asked))
    page = cashier.get(f"/till/{drn}/confirm/", asked, follow=True)
    form = page.context["form"]
    fields = {name: str(form[name].value() or "") for name in form.fields}
    cashier.post(f"/till/{drn}/confirm/", fields)
    assert Sale.objects.get().lines.get(kind="debt").amount_minor == 40_00
