"""The two steps over HTTP: a held token is asked for, or its sale is taken back."""

from __future__ import annotations

from decimal import Decimal

from headend.accounts.services import console_user
from headend.api.tests.test_vend import asking
from headend.config.opaque import encode, id_of
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.ledger.queries import balance_minor
from headend.testing import NOON
from headend.vending.models import Reversal


def held(caller, supply, message_id="m-1"):
    return caller.post("/vend", asking(supply, message_id) | {"hold_token": True}).json()


def test_a_held_token_comes_when_it_is_asked_for(program, supply):
    caller = program()
    sale = held(caller, supply)
    assert (sale["token_held"], sale["tokens"][0]["digits"]) == (True, None)
    assert held(caller, supply) == sale == caller.get("/vend/advice/m-1").json()
    assert caller.get("/tokens").json()["items"][0]["digits"] is None
    shown = caller.post(f"/sales/{sale['receipt_number']}/disclose", {}).json()
    assert len(shown["tokens"][0]["digits"]) == 20
    assert held(caller, supply) == shown == caller.get("/vend/advice/m-1").json()
    assert caller.get("/tokens").json()["items"][0]["digits"] == shown["tokens"][0]["digits"]


def test_a_sale_is_reversed_once_per_message(program, supply, code):
    caller = program()
    number = held(caller, supply)["receipt_number"]
    body = {"message_id": "r-1", "reason": "no answer from the customer's bank"}
    done = caller.post(f"/sales/{number}/reverse", body).json()
    assert (done["basis"], done["returned_minor"]) == ("not_disclosed", 10_000)
    assert caller.post(f"/sales/{number}/reverse", body).json() == done
    assert caller.get("/reversals/advice/r-1").json() == done
    assert balance_minor("cash.tills", "ZAR") == 0
    again = caller.post(f"/sales/{number}/reverse", body | {"message_id": "r-2"})
    assert code(again) == "sale_reversed"
    assert code(caller.post(f"/sales/{number}/disclose", {})) == "sale_reversed"
    told = caller.get("/vend/advice/m-1").json()
    assert told["reversed_at"] == done["reversed_at"]
    assert told["tokens"][0]["digits"] is None
    assert caller.get("/sales").json()["items"][0]["reversed_at"] == done["reversed_at"]
    repeated = caller.post("/vend", asking(supply) | {"hold_token": True})
    assert code(repeated) == "sale_reversed"


def test_a_token_that_the_answer_carried_can_not_be_taken_back(program, supply, code):
    caller = program()
    number = caller.post("/vend", asking(supply)).json()["receipt_number"]
    body = {"message_id": "r-1", "reason": "changed their mind"}
    assert code(caller.post(f"/sales/{number}/reverse", body)) == "token_disclosed"
    assert not Reversal.objects.exists()


def test_only_who_sold_gives_out_or_takes_back(program, supply, code):
    number = held(program(), supply)["receipt_number"]
    other = program(name="shop")
    body = {"message_id": "r-1", "reason": "not mine"}
    assert code(other.post(f"/sales/{number}/reverse", body)) == "not_found"
    assert code(other.post(f"/sales/{number}/disclose", {})) == "not_found"
    seller = program("vend", name="till-only")
    number = held(seller, supply, "m-9")["receipt_number"]
    assert code(seller.post(f"/sales/{number}/reverse", body)) == "scope_missing"


def test_a_debt_is_paid_without_energy_and_the_payment_taken_back(program, supply, code):
    debt = open_debt(
        owner=supply.customer,
        title="Arrears",
        amount_minor=100_00,
        terms=Terms(method="percent", percent=Decimal(20)),
        by=console_user(),
        at=NOON,
    )
    caller = program("vend", "reverse", daily_tender_minor=40_00)
    path = f"/debts/{id_of(debt)}/payments"
    body = {"message_id": "p-1", "tender_minor": 30_00}
    paid = caller.post(path, body).json()
    assert ([line["kind"] for line in paid["lines"]], paid["tokens"]) == (["debt"], [])
    assert caller.post(path, body).json() == paid == caller.get("/vend/advice/p-1").json()
    more = {"message_id": "p-2", "tender_minor": 20_00}
    assert code(caller.post(path, more)) == "tender_over_limit"
    asked = {"message_id": "r-1", "reason": "paid twice"}
    done = caller.post(f"/sales/{paid['receipt_number']}/reverse", asked).json()
    assert done["basis"] == "no_token"
    assert caller.post(path, more).status_code == 200
    debt.refresh_from_db()
    assert debt.balance_minor == 80_00
    assert (
        code(caller.post(f"/debts/{encode('debts.debt', 999_999)}/payments", more)) == "not_found"
    )
