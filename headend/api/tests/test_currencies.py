"""Money in another currency over the API: said, priced, limited and refused by name."""

from datetime import timedelta

import pytest

from headend.accounts import approvals
from headend.accounts.models import Approval
from headend.accounts.services import console_user, create_user
from headend.testing import NOON, make_rate
from headend.vending import services as vending
from headend.vending.models import Sale
from headend.vendors import services, shifts
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


def test_a_trial_says_how_much_of_a_currency_buys_so_much_energy(program, supply, rate, code):
    caller, asked = program(), {"meter": supply.meter.drn, "energy_wh": 20_000}
    base = caller.post("/vend/trial", asked).json()
    told = caller.post("/vend/trial", asked | {"currency": "USD"}).json()
    assert (base["issued_wh"], base["paid"]) == (20_000, None)
    assert told["issued_wh"] >= 20_000
    assert told["tender_minor"] >= base["tender_minor"]
    paid_minor = told["paid"]["paid_minor"]
    assert caller.post("/vend/trial", {
        "meter": supply.meter.drn, "tender_minor": paid_minor, "currency": "USD",
    }).json() == told  # fmt: skip
    less = asking(supply, tender_minor=paid_minor - 1)
    assert caller.post("/vend", less).json()["tender_minor"] < base["tender_minor"]
    for wrong in (asked | {"tender_minor": 1}, {"meter": supply.meter.drn}):
        assert code(caller.post("/vend/trial", wrong)) == "request_invalid"
    assert code(caller.post("/vend/trial", asked | {"currency": "EUR"})) == "currency_not_accepted"


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


def test_a_program_asks_for_a_rate_and_a_person_decides(program):
    make_rate("18.2537", at=NOON - timedelta(hours=1))
    caller = program("rates:request", "approvals")
    asked = {"message_id": "r-1", "base_units": "18.50", "reason": "central bank, 12:00"}
    request = caller.post("/currencies/USD/rates", asked).json()
    assert request["state"] == "open"
    assert (
        "1 USD = 18.5 ZAR from approval on; it was 1 USD = 18.2537 ZAR (+1.35 %)"
        in (request["summary"])
    )
    assert caller.post("/currencies/USD/rates", asked).json() == request
    approver = create_user(username="decides", password=None, groups=("approver",))
    approvals.approve(Approval.objects.get(state="open"), approver, NOON + timedelta(hours=1))
    decided = caller.get(f"/approvals/{request['id']}").json()
    new, old = caller.get("/currencies/USD/rates").json()["items"]
    assert (decided["state"], decided["target_id"]) == ("approved", new["id"])
    assert (new["words"], new["base_currency"], new["approved_by"]) == (
        "1 USD = 18.5 ZAR", "ZAR", "decides",
    )  # fmt: skip
    assert (new["valid_from"], old["words"]) == ("2026-11-21T13:00:00Z", "1 USD = 18.2537 ZAR")


def test_a_rate_that_can_not_be_is_refused_by_name(program, rate, code):
    caller = program("rates:request")

    def ask(currency="USD", **more):
        body = {"message_id": "r-1", "base_units": "18.50", "reason": "bank"} | more
        return code(caller.post(f"/currencies/{currency}/rates", body))

    assert ask("EUR") == "not_found"
    assert ask(base_units="0") == ask(base_units="18.123456789") == "request_invalid"
    assert ask(valid_from="2026-11-20T12:00:00+02:00") == "rate_invalid"  # it is over
    assert code(program("vend", name="till").get("/currencies/USD/rates")) == "scope_missing"
    agent = program("rates:request", name="agent")
    services.add_operator(Shop().vendor, agent.key.program, by=console_user(), at=NOON)
    assert code(agent.get("/currencies/USD/rates")) == "not_permitted"


def test_the_shifts_tell_cash_of_each_currency(program, supply, rate):
    by, cashier = console_user(), create_user(username="c", password=None, groups=("cashier",))
    till = services.add_till(None, name="Hall", by=by, at=NOON)
    shift = shifts.open_shift(till=till, float_minor=0, by=cashier, at=NOON)
    for number, currency in enumerate(("USD", "")):
        vending.vend(
            caller="test", message_id=str(number), meter=supply.meter, tender_minor=10_00,
            currency=currency, operator=cashier, at=NOON,
        )  # fmt: skip
    caller = program()
    (told,) = caller.get("/shifts").json()["items"]
    assert (told["currency"], told["sold_minor"], told["counted_minor"]) == ("ZAR", 10_00, None)
    dollars = {"currency": "USD", "float_minor": 0, "sold_minor": 10_00, "paid_out_minor": 0,
               "expected_minor": 10_00}  # fmt: skip
    assert told["others"] == [dollars | {"counted_minor": None, "difference_minor": None}]
    shifts.cash_up(shift, counted_minor=10_00, others={"USD": 9_00}, by=cashier, at=NOON)
    (told,) = caller.get("/shifts").json()["items"]
    assert told["difference_minor"] == 0
    assert told["others"] == [dollars | {"counted_minor": 9_00, "difference_minor": -1_00}]


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
