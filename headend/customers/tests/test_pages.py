"""Finding customers, and their pages."""

import pytest

from headend.accounts.services import console_user
from headend.config.opaque import id_of
from headend.customers.models import Customer
from headend.customers.search import find_customers, find_supplies
from headend.customers.services import end_agreement, register_customer
from headend.fleet.pages import find_meters
from headend.testing import NOON, make_supply

pytestmark = pytest.mark.django_db


@pytest.fixture
def supply():
    made = make_supply()
    Customer.objects.filter(pk=made.customer_id).update(phone="+27 82 555-0101")
    return made


@pytest.mark.parametrize(
    "text",
    ["082 555 0101", "+27825550101", "5550101", "0101", "(082) 555-0101", "dube 1", "NOMSA", ""],
)
def test_a_supply_is_found(supply, text):
    assert list(find_supplies(text)) == [supply]


@pytest.mark.parametrize("text", ["082 555 0102", "dube 2", "101x", "٠١٠١", "%", "_"])
def test_a_supply_is_not_found(supply, text):
    assert list(find_supplies(text)) == []


@pytest.mark.parametrize("most", [0, 1, 1000])
def test_what_is_found_does_not_depend_on_how_common_the_words_are(supply, monkeypatch, most):
    monkeypatch.setattr("headend.customers.search.MOST_CANDIDATES", most)
    Customer.objects.filter(pk=supply.customer_id).update(
        name="Nomsa Dube", email="nd@example.org"
    )
    other = make_supply()
    Customer.objects.filter(pk=other.customer_id).update(name="Dube Nobody", email="")
    idle = register_customer(name="Idle Dube", by=console_user(), at=NOON)
    assert list(find_supplies("dube nomsa")) == [supply]
    assert list(find_supplies("082 555 0101")) == [supply]
    assert list(find_supplies(other.meter.drn)) == [other]
    assert list(find_customers("dube")) == [other.customer, idle, supply.customer]
    assert list(find_customers("dube example")) == [supply.customer]
    assert list(find_customers("dube zulu")) == []
    assert list(find_meters("dube", only="")) == sorted([supply.meter, other.meter], key=str)


def test_a_meter_number_is_found_by_its_beginning_however_grouped(supply):
    drn = supply.meter.drn
    assert list(find_supplies(f"{drn[:4]} {drn[4:8]}")) == [supply]
    assert list(find_supplies(drn[1:])) == []


def test_who_moved_out_is_a_customer_without_a_supply(supply):
    end_agreement(supply, by=console_user(), at=NOON.replace(hour=13), reason="moved out")
    assert list(find_supplies("dube")) == []
    (customer,) = find_customers("dube")
    assert customer.running == []  # type: ignore[attr-defined]


def test_a_customer_without_a_phone_is_not_found_by_every_number(supply):
    register_customer(name="No Phone", by=console_user(), at=NOON)
    assert [one.name for one in find_customers("0101")] == ["Nomsa Dube"]


def test_the_list_searches_and_says_when_nobody_is_found(log_in, supply):
    client = log_in("cashier")
    assert "Nomsa Dube" in client.get("/customers/", {"q": "0101"}).content.decode()
    assert "Nobody found" in client.get("/customers/", {"q": "zzz"}).content.decode()


def test_the_list_takes_as_many_queries_for_many_as_for_one(
    log_in, supply, django_assert_num_queries
):
    client = log_in("auditor")
    client.get("/customers/")
    with django_assert_num_queries(5):
        client.get("/customers/")
    for _ in range(3):
        make_supply()
    with django_assert_num_queries(5):
        client.get("/customers/")


def test_a_customers_page_leads_to_the_meter_and_to_the_till(log_in, supply):
    address = f"/customers/{id_of(supply.customer)}/"
    page = log_in("cashier").get(address).content.decode()
    # The number as the sheets' column "customer" and the API take it.
    assert f"<dt>Number</dt><dd>{id_of(supply.customer)}</dd>" in page
    assert f"/meters/{supply.meter.drn}/" in page
    assert f"/till/{supply.meter.drn}/" in page
    assert f"/till/{supply.meter.drn}/" not in log_in("auditor").get(address).content.decode()


def set_low_credit(client, supply, threshold):
    address = f"/customers/{id_of(supply.customer)}/agreements/{id_of(supply)}/low-credit/"
    answer = client.post(address, {"threshold": threshold}, follow=True)
    supply.refresh_from_db()
    return answer


@pytest.mark.parametrize(
    ("threshold", "threshold_wh", "said"),
    [("7,5", 7_500, "told below 7.5 kWh"), ("0", 0, "not told of low credit")],
)
def test_the_low_credit_threshold_is_changed(log_in, supply, threshold, threshold_wh, said):
    answer = set_low_credit(log_in("utility administrator"), supply, threshold)
    assert answer.redirect_chain == [(f"/customers/{id_of(supply.customer)}/", 302)]
    assert said in answer.content.decode()
    assert supply.low_credit_threshold_wh == threshold_wh


@pytest.mark.parametrize(
    ("threshold", "said"),
    [("", "0 for no warning"), ("lots", "Write kWh as 8 or 7.5"), ("10000.1", "0 to 10000 kWh")],
)
def test_a_wrong_threshold_is_told_beside_what_was_typed(log_in, supply, threshold, said):
    answer = set_low_credit(log_in("utility administrator"), supply, threshold)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page
    assert f'value="{threshold}"' in page or not threshold
    assert supply.low_credit_threshold_wh == 5000


def test_who_may_not_change_the_threshold_is_not_asked(log_in, supply):
    cashier = log_in("cashier")
    page = cashier.get(f"/customers/{id_of(supply.customer)}/").content.decode()
    assert "low-credit/" not in page
    assert set_low_credit(cashier, supply, "8").status_code == 403
    assert supply.low_credit_threshold_wh == 5000


def test_another_customers_agreement_is_not_found(log_in, supply):
    another = make_supply().customer
    address = f"/customers/{id_of(another)}/agreements/{id_of(supply)}/low-credit/"
    assert log_in("utility administrator").post(address, {"threshold": "8"}).status_code == 404


def test_names_are_escaped(log_in, supply):
    Customer.objects.filter(pk=supply.customer_id).update(name="<script>alert(1)</script>")
    page = log_in("cashier").get("/customers/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
