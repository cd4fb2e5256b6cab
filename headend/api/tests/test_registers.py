"""Customers, meters, agreements, tariffs, sales and tokens over HTTP."""

from __future__ import annotations

from datetime import timedelta

from headend.config import opaque
from headend.customers.models import Customer, SupplyAgreement
from headend.testing import NOON, make_tariff, new_drn
from headend.vending.models import Sale


def test_a_supply_is_set_up_from_nothing_and_sold_to(program, supply):
    caller = program()
    tariff = make_tariff().code
    customer = caller.post(
        "/customers", {"message_id": "1", "name": "Thabo Nkosi", "phone": "+27 82 555 0100"}
    ).json()
    drn = new_drn()
    meter = caller.post(
        "/meters", {"message_id": "2", "number": drn, "sgc": supply.meter.sgc}
    ).json()
    assert meter["status"] == "stock"
    installed = caller.post(f"/meters/{drn}/install", {"message_id": "3"}).json()
    assert installed["status"] == "installed"
    opening = {
        "message_id": "4",
        "customer_id": customer["id"],
        "address": "12 Long Street",
        "meter": drn,
        "tariff": tariff,
    }
    agreement = caller.post("/agreements", opening).json()
    assert caller.post("/agreements", opening).json() == agreement
    assert agreement["meter"] == drn
    assert caller.get("/agreements", customer_id=customer["id"]).json()["items"] == [agreement]
    assert caller.get(f"/agreements/{agreement['id']}").json() == agreement
    sold = caller.post("/vend", {"message_id": "5", "meter": drn, "tender_minor": 5_000})
    assert sold.json()["customer"] == "Thabo Nkosi"
    assert caller.get(f"/customers/{customer['id']}").json() == customer
    assert caller.get("/customers", q="thabo").json()["items"] == [customer]
    assert caller.get(f"/meters/{drn}").json()["status"] == "installed"


def test_a_repeated_message_makes_one_and_another_program_its_own(program, code):
    caller = program()
    body = {"message_id": "1", "name": "Thabo Nkosi"}
    first = caller.post("/customers", body).json()
    assert caller.post("/customers", body).json() == first
    assert Customer.objects.count() == 1
    answer = caller.post("/customers", body | {"name": "Another"})
    assert (answer.status_code, code(answer)) == (409, "message_conflict")
    assert program(name="shop").post("/customers", body).json()["id"] != first["id"]


def test_what_is_refused_keeps_the_message_id_free(program, supply, code):
    caller = program()
    body = {"message_id": "1", "number": supply.meter.drn, "sgc": supply.meter.sgc}
    answer = caller.post("/meters", body)
    assert (answer.status_code, code(answer)) == (422, "meter_invalid")
    assert caller.post("/meters", body | {"number": new_drn()}).status_code == 200


def test_an_agreement_is_ended(program, supply, monkeypatch, code):
    caller = program()
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOON + timedelta(days=1))
    body = {"message_id": "1", "reason": "moved out"}
    ended = caller.post(f"/agreements/{opaque.id_of(supply)}/end", body)
    assert ended.json()["ended_at"]
    assert SupplyAgreement.objects.get().ended_at == NOON + timedelta(days=1)
    answer = caller.post(f"/agreements/{opaque.id_of(supply)}/end", body | {"message_id": "2"})
    assert answer.status_code == 422


def test_a_list_is_cut_by_a_cursor(program, code):
    caller = program()
    for number in range(5):
        caller.post("/customers", {"message_id": str(number), "name": f"Customer {number}"})
    names, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = caller.get("/customers", **query).json()
        names.append([one["name"][-1] for one in page["items"]])
        cursor = page["next"]
        if cursor is None:
            break
    assert names == [["4", "3"], ["2", "1"], ["0"]]
    answer = caller.get("/customers", cursor="nonsense")
    assert (answer.status_code, code(answer)) == (404, "not_found")


def test_a_parameter_that_there_is_not_is_refused(program, supply, code):
    program = program()
    told = program.get(f"/sales?metre={supply.meter.drn}")
    assert (told.status_code, code(told)) == (422, "request_invalid")
    assert told.json()["errors"] == [
        {"where": "query.metre", "what": "there is no such parameter"}
    ]
    assert program.get(f"/sales?meter={supply.meter.drn}&limit=1").status_code == 200
    vend = {"message_id": "m", "meter": supply.meter.drn, "tender_minor": 5000}
    assert code(program.post("/vend?hold_token=true", vend)) == "request_invalid"
    assert not Sale.objects.exists()


def test_sales_and_tokens_are_listed(program, supply):
    caller = program()
    sold = caller.post(
        "/vend", {"message_id": "1", "meter": supply.meter.drn, "tender_minor": 5_000}
    ).json()
    (listed,) = caller.get("/sales").json()["items"]
    assert listed["receipt_number"] == sold["receipt_number"]
    assert listed["agreement_id"] == sold["agreement_id"] == opaque.id_of(supply)
    assert caller.get("/sales", since=(NOON + timedelta(days=1)).isoformat()).json()["items"] == []
    assert caller.get("/sales", until=NOON.isoformat()).json()["items"] == []
    assert caller.get(f"/sales/{sold['receipt_number']}").json() == sold
    assert caller.get("/tokens", meter=supply.meter.drn).json()["items"] == sold["tokens"]
    blind = program("sales:read", name="report")
    seen = blind.get(f"/sales/{sold['receipt_number']}").json()
    assert (seen["tokens"], seen["message_id"]) == ([], None)
    assert Sale.objects.count() == 1


def test_an_id_tells_nothing_and_one_never_given_out_is_of_nothing(program, supply, code):
    caller = program()
    assert caller.get("/agreements").json()["items"][0]["id"] == opaque.id_of(supply)
    for unknown in (opaque.encode("customers.supplyagreement", supply.pk + 1), "z" * 13):
        answer = caller.get(f"/agreements/{unknown}")
        assert (answer.status_code, code(answer)) == (404, "not_found")
    answer = caller.get(f"/agreements/{supply.pk}")
    assert (answer.status_code, code(answer)) == (422, "request_invalid")


def test_an_id_of_another_kind_is_not_found_and_said_to_be_one(program, supply, code):
    caller = program()
    customer = opaque.id_of(supply.customer)
    body = {"message_id": "1", "title": "Arrears", "amount_minor": 5_000, "method": "percent"}
    wrong = opaque.id_of(supply)
    for answer in (
        caller.get(f"/debts/{customer}"),
        caller.get("/sales", customer_id=wrong),
        caller.post("/debts", body | {"customer_id": wrong}),
    ):
        assert (answer.status_code, code(answer)) == (404, "id_of_other_kind")
    assert caller.get(f"/debts/{customer}").json()["detail"] == (
        f"{customer} is the id of another thing: customer, not debt"
    )
    answer = caller.get("/sales", cursor=customer)
    assert (answer.status_code, code(answer)) == (404, "not_found")


def test_a_tariff_shows_what_it_says_and_said(program, supply):
    caller = program("tariffs:read")
    assert [one["code"] for one in caller.get("/tariffs").json()["items"]] == ["test"]
    shown = caller.get("/tariffs/test").json()
    assert shown["versions"][0]["currency"] == "ZAR"
    assert shown["versions"][0]["rules"]
    assert caller.get("/tariffs/other").status_code == 404


def test_addresses_and_methods_that_are_not_there(program, code):
    caller = program()
    answer = caller.get("/nothing")
    assert (answer.status_code, code(answer)) == (404, "address_unknown")
    answer = caller.post("/tariffs", {})
    assert (answer.status_code, code(answer)) == (405, "method_unknown")
    assert "GET" in answer.headers["Allow"]
