"""Money in another currency over the API: said, priced, limited and refused by name."""

import pytest

from headend.testing import make_rate
from headend.vending.models import Sale
from headend.vendors import services
from headend.vendors.tests.conftest import Shop


@pytest.fixture
def rate(db):
    return make_rate("18.2537")


def asking(supply, message_id="m-1", tender_minor=10_00, **more):
    return {
        "message_id": message_id,
        "meter": supply.meter.drn,
        "tender_minor": tender_minor,
        "currency": "USD",
    } | more


def test_which_currencies_are_taken_is_said(program, rate):
    told = program().get("/currencies").json()
    assert (told["base"], told["decimals"]) == ("ZAR", 2)
    assert told["others"] == [
        {
            "currency": "USD",
            "decimals": 2,
            "words": "1 USD = 18.2537 ZAR",
            "units": "1",
            "base_units": "18.2537",
            "valid_from": "2026-11-21T12:00:00Z",
        }
    ]


def test_a_vend_says_what_was_paid_and_what_it_was_worth(program, supply, rate):
    caller = program()
    trial = {name: value for name, value in asking(supply).items() if name != "message_id"}
    quote = caller.post("/vend/trial", trial).json()
    sale = caller.post("/vend", asking(supply)).json()
    for told in (quote, sale, caller.get("/sales").json()["items"][0]):
        assert (told["currency"], told["tender_minor"]) == ("ZAR", 182_53)
        assert (told["paid"]["currency"], told["paid"]["paid_minor"]) == ("USD", 10_00)
        assert told["paid"]["rate"]["words"] == "1 USD = 18.2537 ZAR"
    assert sum(line["amount_minor"] for line in sale["lines"]) == 182_53
    assert caller.post("/vend", asking(supply)).json() == sale
    assert caller.get("/vend/advice/m-1").json() == sale


def test_a_vend_in_the_base_currency_has_nothing_paid_besides(program, supply):
    caller = program()
    assert caller.post("/vend", asking(supply, currency="ZAR")).json()["paid"] is None
    assert caller.post("/vend", asking(supply, "m-2", currency=None)).json()["paid"] is None


def test_another_currency_is_another_request(program, supply, rate, code):
    caller = program()
    caller.post("/vend", asking(supply))
    answer = caller.post("/vend", asking(supply, currency=None))
    assert (answer.status_code, code(answer)) == (409, "message_conflict")
    assert Sale.objects.count() == 1


@pytest.mark.parametrize(
    ("currency", "refused"),
    [("EUR", "currency_not_accepted"), ("usd", "request_invalid"), ("", "request_invalid")],
)
def test_a_currency_that_is_not_taken_is_refused(program, supply, rate, code, currency, refused):
    answer = program().post("/vend", asking(supply, currency=currency))
    assert (answer.status_code, code(answer)) == (422, refused)
    assert not Sale.objects.exists()


def test_the_limits_of_a_key_are_of_the_worth(program, supply, rate, code):
    caller = program(largest_tender_minor=200_00, daily_tender_minor=300_00)
    answer = caller.post("/vend", asking(supply, tender_minor=11_00))
    assert code(answer) == "tender_over_limit"  # worth 200.79
    assert caller.post("/vend", asking(supply)).status_code == 200
    assert code(caller.post("/vend", asking(supply, "m-2"))) == "tender_over_limit"  # the day's
    assert caller.post("/vend", asking(supply)).status_code == 200


def test_a_program_of_a_vendor_sells_for_the_base_currency_only(program, supply, rate, code):
    shop = Shop()
    shop.buy(1000_00)
    caller = program()
    till = services.add_till(
        shop.vendor, name="Programs", needs_shift=False, by=shop.by, at=shop.vendor.created_at
    )
    services.add_operator(
        shop.vendor, caller.key.program, by=shop.by, at=shop.vendor.created_at, till=till
    )
    assert caller.get("/currencies").json()["others"] == []
    assert code(caller.post("/vend", asking(supply))) == "base_currency_only"
