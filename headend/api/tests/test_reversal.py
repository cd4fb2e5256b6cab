"""The two steps over HTTP: a held token is asked for, or its sale is taken back."""

from __future__ import annotations

from headend.api.tests.test_vend import asking
from headend.ledger.queries import balance_minor
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
