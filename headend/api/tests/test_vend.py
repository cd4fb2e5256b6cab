"""The vend protocol over HTTP: trial, vend, advice, reprint, verify; limits and errors."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import OperationalError, connection

from headend.api import service
from headend.api.schemas import QuoteOut
from headend.audit.models import AuditEntry
from headend.testing import new_drn, traffic
from headend.vending import services
from headend.vending.models import ReceiptCopy, Sale


def asking(supply: Any, message_id: str = "m-1", tender_minor: int = 10_000) -> dict[str, Any]:
    return {
        "message_id": message_id,
        "meter": supply.meter.drn,
        "tender_minor": tender_minor,
    }


def test_a_trial_says_all_and_stores_nothing(program, supply):
    body = {"meter": supply.meter.drn, "tender_minor": 10_000}
    quote = program().post("/vend/trial", body).json()
    assert quote["customer"] == "Nomsa Dube"
    assert sum(line["amount_minor"] for line in quote["lines"]) == 10_000
    assert quote["issued_wh"] == 34_700
    assert not Sale.objects.exists()


def test_a_vend_sells_once_per_message(program, supply):
    caller = program()
    first = caller.post("/vend", asking(supply))
    assert first.status_code == 200
    sale = first.json()
    assert len(sale["tokens"][0]["digits"]) == 20
    assert sale["tokens"][0]["energy_wh"] == sale["encoded_wh"]
    assert sum(line["amount_minor"] for line in sale["lines"]) == 10_000
    assert caller.post("/vend", asking(supply)).json() == sale
    assert caller.get("/vend/advice/m-1").json() == sale
    assert Sale.objects.count() == 1


def test_the_receipt_and_the_record_name_the_program(program, supply):
    program().post("/vend", asking(supply))
    entry = AuditEntry.objects.get(action="vending.vend")
    assert entry.actor_name == "api-bank"
    assert Sale.objects.get().operator.username == "api-bank"


def test_another_request_under_the_same_id_is_refused(program, supply, code):
    caller = program()
    caller.post("/vend", asking(supply))
    answer = caller.post("/vend", asking(supply, tender_minor=5_000))
    assert (answer.status_code, code(answer)) == (409, "message_conflict")


def test_another_program_knows_nothing_of_my_messages(program, supply, code):
    program().post("/vend", asking(supply))
    other = program(name="shop")
    answer = other.get("/vend/advice/m-1")
    assert (answer.status_code, code(answer)) == (404, "sale_not_found")
    assert other.post("/vend", asking(supply)).status_code == 200
    assert Sale.objects.count() == 2


def test_a_new_key_of_a_program_knows_the_messages_of_the_old_one(program, supply):
    sale = program().post("/vend", asking(supply)).json()
    assert program().get("/vend/advice/m-1").json() == sale


def test_what_services_refuse_has_their_code(program, supply, code):
    caller = program()
    for body, status, expected in (
        (asking(supply) | {"meter": new_drn()}, 404, "meter_not_found"),
        (asking(supply) | {"meter": "12345678901"}, 422, "meter_number_invalid"),
        (asking(supply, tender_minor=10**13), 422, "tender_too_large"),
    ):
        answer = caller.post("/vend", body)
        assert (answer.status_code, code(answer)) == (status, expected)
    assert not Sale.objects.exists()


def test_a_malformed_request_is_told_where(program, supply, code):
    caller = program()
    for body in (
        asking(supply) | {"tender_minor": "100"},
        asking(supply) | {"tender_minor": 0},
        asking(supply) | {"unknown": 1},
        asking(supply, message_id="a\0b"),
        asking(supply, message_id="x" * 65),
        {},
    ):
        answer = caller.post("/vend", body)
        assert (answer.status_code, code(answer)) == (422, "request_invalid")
        places = [one["where"] for one in answer.json()["errors"]]
        assert all(one.startswith("body") and "body.body" not in one for one in places)
    answer = caller._client.post("/api/v1/vend", "{", content_type="application/json")
    assert (answer.status_code, code(answer)) == (400, "request_unreadable")


def test_a_database_that_goes_away_leaves_the_outcome_unknown(program, supply, code, monkeypatch):
    def gone(_: Any) -> None:
        raise OperationalError("the connection was lost")

    caller = program()
    monkeypatch.setattr(services, "carry_out", gone)
    answer = caller.post("/vend", asking(supply))
    assert (answer.status_code, code(answer)) == (503, "outcome_unknown")
    assert answer.headers["Retry-After"]


def test_a_copy_is_counted_once_per_message(program, supply, code):
    caller = program()
    number = caller.post("/vend", asking(supply)).json()["receipt_number"]
    body = {"message_id": "copy-1", "reason": "lost"}
    copy = caller.post(f"/sales/{number}/reprint", body).json()
    assert copy["copy_number"] == 1
    assert "COPY" in copy["text"].upper()
    assert caller.post(f"/sales/{number}/reprint", body).json() == copy
    assert ReceiptCopy.objects.count() == 1
    answer = caller.post(f"/sales/{number}/reprint", body | {"reason": "other"})
    assert (answer.status_code, code(answer)) == (409, "message_conflict")


def test_a_copy_of_anothers_receipt_needs_the_right_to_see_tokens(program, supply, code):
    number = program().post("/vend", asking(supply)).json()["receipt_number"]
    body = {"message_id": "copy-1"}
    answer = program("vend", name="shop").post(f"/sales/{number}/reprint", body)
    assert (answer.status_code, code(answer)) == (403, "scope_missing")
    entitled = program("vend", "tokens:read", name="desk")
    assert entitled.post(f"/sales/{number}/reprint", body).status_code == 200
    assert ReceiptCopy.objects.count() == 1


def test_a_token_is_verified_for_its_meter_only(program, supply):
    caller = program()
    sale = caller.post("/vend", asking(supply)).json()
    digits = sale["tokens"][0]["digits"]
    mine = caller.post("/tokens/verify", {"meter": supply.meter.drn, "token": digits}).json()
    assert (mine["is_issued"], mine["is_for_this_meter"]) == (True, True)
    assert mine["token"]["receipt_number"] == sale["receipt_number"]
    unknown = caller.post("/tokens/verify", {"meter": supply.meter.drn, "token": "0" * 20}).json()
    assert unknown == {"is_issued": False, "is_for_this_meter": False, "token": None}


def test_a_key_vends_within_its_limits(program, supply, code):
    caller = program(largest_tender_minor=10_000, daily_tender_minor=15_000)
    answer = caller.post("/vend", asking(supply, "m-1", 10_001))
    assert (answer.status_code, code(answer)) == (422, "tender_over_limit")
    assert caller.post("/vend", asking(supply, "m-2", 10_000)).status_code == 200
    answer = caller.post("/vend", asking(supply, "m-3", 5_001))
    assert code(answer) == "tender_over_limit"
    assert "50.00 is left" in answer.json()["detail"]
    assert caller.post("/vend", asking(supply, "m-4", 5_000)).status_code == 200
    assert caller.post("/vend", asking(supply, "m-4", 5_000)).status_code == 200  # a repeat


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer")
def test_parallel_vends_of_a_key_stay_within_its_day(transactional_db, program, supply):
    caller = program(daily_tender_minor=25_000)
    statuses: list[int] = []

    def sell(number: int) -> None:
        try:
            statuses.append(caller.post("/vend", asking(supply, f"m-{number}")).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=sell, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 200, 422, 422, 422, 422]
    assert Sale.objects.count() == 2


def test_the_route_costs_no_session(program, supply):
    caller = program()
    caller.post("/vend", asking(supply, message_id="warm"))
    with traffic() as seen:
        answer = caller.post("/vend", asking(supply) | {"send": True})
    assert "Set-Cookie" not in answer.headers
    # who asks, for which meter; its lock and all that the sale depends on; accounts; the sale
    assert seen.trips == 4, seen.statements
    assert not any("django_session" in statement for statement in seen.statements)


def test_a_vend_is_answered_as_its_advice_is_byte_for_byte(program, supply):
    caller = program()
    vended = caller.post("/vend", asking(supply) | {"send": True})
    assert caller.get("/vend/advice/m-1").content == vended.content


def test_a_trial_is_answered_as_its_description_says(program, supply):
    answer = program().post("/vend/trial", {"meter": supply.meter.drn, "tender_minor": 10_000})
    told = QuoteOut.model_validate(answer.json()).model_dump(mode="json")
    assert told == answer.json()
    assert list(told) == list(answer.json())


def test_the_description_is_published(client):
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    facts = answer.json()
    assert facts["openapi"].startswith("3.1")
    assert set(facts["paths"]["/api/v1/vend"]["post"]["responses"]) >= {"200", "409", "503"}
    assert facts["paths"].keys() == service.api.get_openapi_schema()["paths"].keys()
