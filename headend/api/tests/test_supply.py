"""Moving in, another meter, orders to meters: what a CSM or MDM does at a supply."""

from __future__ import annotations

from datetime import timedelta

import pytest

from headend.accounts.services import console_user
from headend.config.opaque import encode, id_of
from headend.customers.models import SupplyAgreement
from headend.customers.services import register_customer
from headend.fleet.models import Command
from headend.meters.models import Meter
from headend.meters.services import KeyAttributes, register_meter
from headend.testing import NOON, make_tariff, new_drn
from headend.vendors.services import add_operator
from headend.vendors.tests.conftest import Shop


@pytest.fixture
def stock(db: None, supply: SupplyAgreement) -> Meter:
    key = KeyAttributes(sgc=supply.meter.sgc)
    return register_meter(drn=new_drn(), key=key, by=console_user(), at=NOON)


def moving_in(**more):
    customer = register_customer(name="Thabo Nkosi", by=console_user(), at=NOON)
    return {
        "message_id": "in-1",
        "customer_id": id_of(customer),
        "address": "12 Long Street",
        "tariff": make_tariff().code,
        "energy_wh": 3_000,
    } | more


def test_a_customer_moves_in_once_and_is_sold_to(program, stock):
    caller = program()
    found = caller.get(f"/meters/{stock.drn}/move-in").json()
    assert (found["former_agreement_id"], found["premises_debts_minor"]) == (None, 0)
    body = moving_in()
    made = caller.post(f"/meters/{stock.drn}/move-in", body).json()
    assert caller.post(f"/meters/{stock.drn}/move-in", body).json() == made
    assert made["energy_wh"] == 3_000
    agreement = caller.get(f"/agreements/{made['agreement']['id']}").json()
    assert agreement == made["agreement"]
    sold = caller.post("/vend", {"message_id": "v", "meter": stock.drn, "tender_minor": 5_000})
    assert sold.json()["customer"] == "Thabo Nkosi"


def test_nobody_moves_in_on_somebody_else_or_on_credit_that_is_not_theirs(
    program, supply, stock, code
):
    caller = program()
    answer = caller.post(f"/meters/{supply.meter.drn}/move-in", moving_in())
    assert (answer.status_code, code(answer)) == (422, "former_closing_open")
    answer = caller.post(f"/meters/{stock.drn}/move-in", moving_in(credit_wh=100))
    assert code(answer) == "credit_left_on_meter"
    answer = caller.post(
        f"/meters/{stock.drn}/move-in", moving_in(customer_id=encode("customers.customer", 0))
    )
    assert code(answer) == "not_found"


def test_a_meter_is_replaced_and_its_credit_moves_over_once(
    program, supply, stock, code, monkeypatch
):
    caller = program()
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOON + timedelta(days=1))
    body = {"message_id": "r-1", "new_meter": stock.drn, "reason": "burnt", "scrapped": True}
    made = caller.post(f"/agreements/{id_of(supply)}/replace-meter", body).json()
    assert (made["new_meter"], made["credit_wh"], made["is_open"]) == (stock.drn, None, True)
    address = f"/replacements/{made['number']}"
    read = {"message_id": "r-2", "energy_wh": 12_000, "credit_wh": 10_000}
    assert caller.post(f"{address}/registers", read).json()["credit_wh"] == 10_000
    over = {"message_id": "r-3", "by": "token"}
    done = caller.post(f"{address}/transfer", over).json()
    assert done["transfer_token"]["energy_wh"] == 10_000
    assert done["transfer_token"]["meter"] == stock.drn
    assert done["is_open"] is False
    assert caller.post(f"{address}/transfer", over).json() == done
    again = caller.post(f"{address}/transfer", over | {"message_id": "r-4"})
    assert code(again) == "replacement_not_possible"
    assert caller.get(address).json() == done
    assert caller.get("/replacements").json()["items"] == [done]
    unknown = {"message_id": "r-5", "token_id": encode("vending.issuedtoken", 999)}
    assert code(caller.post(f"{address}/reissue", unknown)) == "not_found"


def test_a_meter_is_ordered_once_per_message_and_its_answer_read(program, supply, code):
    caller = program()
    address = f"/meters/{supply.meter.drn}/orders"
    body = {"message_id": "o-1", "order": "disconnect", "reason": "not paid"}
    made = caller.post(address, body).json()
    assert (made["command"], made["state"]) == ("load_switch", "pending")
    assert caller.post(address, body).json() == made
    assert Command.objects.count() == 1
    assert caller.get(f"/commands/{made['command_id']}").json() == made
    switched = caller.post(address, body | {"message_id": "o-2", "order": "postpayment"}).json()
    assert switched["arguments"] == {"mode": "postpayment"}
    assert caller.get(f"/meters/{supply.meter.drn}").json()["intended_payment_mode"] == (
        "postpayment"
    )
    assert caller.get(address).json()["items"] == [switched, made]
    answer = caller.post(address, body | {"message_id": "o-3", "order": "close-account"})
    assert code(answer) == "request_invalid"


def test_tokens_on_their_way_are_no_orders_to_be_read(program, supply, code):
    caller = program()
    body = {"message_id": "v", "meter": supply.meter.drn, "tender_minor": 5_000, "send": True}
    caller.post("/vend", body)
    command = Command.objects.get()
    assert caller.get(f"/meters/{supply.meter.drn}/orders").json()["items"] == []
    assert code(caller.get(f"/commands/{command.public_id}")) == "not_found"


def test_what_is_the_utilitys_is_closed_to_a_vendors_program(program, supply, stock, code):
    caller = program()
    add_operator(Shop().vendor, caller.key.program, by=console_user(), at=NOON)
    for path in (
        f"/meters/{stock.drn}/move-in",
        f"/meters/{stock.drn}/orders",
        "/replacements",
        "/campaigns",
        "/bank-payments",
    ):
        assert code(caller.get(path)) == "not_permitted"
