"""Debts, vendors, engineering: what a program reads and asks for, and that people decide."""

from __future__ import annotations

from datetime import timedelta

import pytest

from headend.accounts import approvals
from headend.accounts.errors import SamePerson
from headend.accounts.models import Approval
from headend.accounts.programs import grant
from headend.accounts.services import console_user, create_user
from headend.api import service
from headend.api.keys import create_key, revoke_key
from headend.api.scopes import UTILITYS
from headend.config.errors import NotPermitted
from headend.config.opaque import decode, encode, id_of
from headend.debts.models import Debt
from headend.fleet.models import Command
from headend.supply import modes
from headend.testing import NOON, new_drn
from headend.vendors.models import Purchase
from headend.vendors.services import add_operator
from headend.vendors.tests.conftest import Shop


@pytest.fixture
def approver(db):
    return create_user(username="second", password=None, groups=("approver",))


def owing(supply, message_id="d-1", **more):
    return {
        "message_id": message_id,
        "customer_id": id_of(supply.customer),
        "title": "Reconnection",
        "amount_minor": 2_000,
        "method": "percent",
        "percent": "12.5",
    } | more


# --- debts ---------------------------------------------------------------------------------------


def test_a_debt_is_opened_once_and_its_statement_adds_up(program, supply):
    caller = program()
    made = caller.post("/debts", owing(supply)).json()
    assert made["recovery"] == "12.5 % of each purchase"
    assert caller.post("/debts", owing(supply)).json() == made
    assert Debt.objects.count() == 1
    caller.post("/vend", {"message_id": "m", "meter": supply.meter.drn, "tender_minor": 8_000})
    lines = caller.get(f"/debts/{made['id']}/statement").json()["items"]
    assert [(one["amount_minor"], one["balance_minor"]) for one in lines] == [
        (-1_000, 1_000),
        (2_000, 2_000),
    ]
    assert caller.get(f"/debts/{made['id']}").json()["balance_minor"] == 1_000


def test_a_debt_that_blocks_is_named_to_who_sells(program, supply):
    caller = program()
    terms = {"later_percent": 50, "later_from": "2099-01-01", "blocked_from": "2026-01-01"}
    made = caller.post("/debts", owing(supply, **terms)).json()
    assert made["recovery"] == (
        "12.5 % of each purchase, 50 % from 2099-01-01 on, "
        "nothing is sold from 2026-01-01 on before it is paid"
    )
    body = {"message_id": "m", "meter": supply.meter.drn, "tender_minor": 8_000}
    refused = caller.post("/vend", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "purchases_blocked")


def test_a_statement_is_read_page_by_page(program, supply):
    caller = program()
    debt = caller.post("/debts", owing(supply)).json()
    for number in range(3):
        body = {"message_id": f"m{number}", "meter": supply.meter.drn, "tender_minor": 1_000}
        caller.post("/vend", body)
    balances, cursor = [], None
    while True:
        more: dict[str, str] = {"cursor": cursor} if cursor else {}
        page = caller.get(f"/debts/{debt['id']}/statement", limit=2, **more).json()
        balances += [one["balance_minor"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert balances == [1_625, 1_750, 1_875, 2_000]


def test_debts_are_found_by_owner_reference_and_what_is_left(program, supply):
    caller = program()
    first = caller.post("/debts", owing(supply, external_reference="ERP-7")).json()
    caller.post("/debts", owing(supply, "d-2"))

    def found(**query):
        return [one["id"] for one in caller.get("/debts", **query).json()["items"]]

    assert found(external_reference="ERP-7") == [first["id"]]
    assert len(found(customer_id=id_of(supply.customer))) == 2
    assert found(customer_id=encode("customers.customer", supply.customer_id + 1)) == []
    Debt.objects.filter(pk=decode("debts.debt", first["id"])).update(balance_minor=0)
    assert first["id"] not in found(only_open="true")


def test_a_debt_needs_one_owner_and_possible_terms(program, supply, code):
    caller = program()
    for fault, status, expected in (
        ({"customer_id": None}, 404, "not_found"),
        ({"premises_id": id_of(supply.premises)}, 404, "not_found"),
        ({"percent": 0}, 422, "debt_invalid"),
        ({"percent": "101"}, 422, "request_invalid"),
        ({"method": "instalments"}, 422, "debt_invalid"),
    ):
        answer = caller.post("/debts", owing(supply, **fault))
        assert (answer.status_code, code(answer)) == (status, expected)
    assert not Debt.objects.exists()


def test_a_write_off_is_asked_for_and_a_person_decides(program, supply, approver):
    caller = program()
    debt = caller.post("/debts", owing(supply)).json()
    body = {"message_id": "w-1", "amount_minor": 500, "reason": "hardship"}
    asked = caller.post(f"/debts/{debt['id']}/write-off", body).json()
    assert asked["state"] == "open"
    assert caller.post(f"/debts/{debt['id']}/write-off", body).json() == asked
    assert caller.get(f"/debts/{debt['id']}").json()["balance_minor"] == 2_000
    approvals.approve(Approval.objects.get(), approver, NOON)
    decided = caller.get(f"/approvals/{asked['id']}").json()
    assert (decided["state"], decided["decided_by"]) == ("approved", "second")
    assert (decided["target_type"], decided["target_id"]) == ("debts.debt", debt["id"])
    assert caller.get(f"/debts/{debt['id']}").json()["balance_minor"] == 1_500


def test_a_program_decides_nothing_whatever_it_may(program, supply):
    caller = program()
    debt = caller.post("/debts", owing(supply)).json()
    body = {"message_id": "w-1", "amount_minor": 500, "reason": "hardship"}
    caller.post(f"/debts/{debt['id']}/write-off", body)
    other = program(name="other").key.program
    grant(other, ["debts.approve_write_off"])
    with pytest.raises(NotPermitted, match="is a program"):
        approvals.approve(Approval.objects.get(), other, NOON)


def test_who_made_a_key_does_not_decide_what_its_program_asks_for(program, supply, approver):
    admin = create_user(username="admin", password=None, groups=("utility administrator",))
    caller = program()
    debt = caller.post("/debts", owing(supply)).json()
    body = {"message_id": "w-1", "amount_minor": 500, "reason": "hardship"}
    caller.post(f"/debts/{debt['id']}/write-off", body)
    asked = Approval.objects.get()
    made = create_key(
        program="bank", name="the admin's", scopes=["debts:request"], by=admin, at=NOON,
        expires_at=NOON + timedelta(days=1),
    )  # fmt: skip
    revoke_key(made.key, by=admin, at=NOON)
    with pytest.raises(SamePerson, match="made a key of api-bank"):
        approvals.approve(asked, admin, NOON)
    approvals.approve(asked, approver, NOON)


def test_a_request_is_withdrawn_by_its_own_program_only(program, supply, code):
    caller = program()
    debt = caller.post("/debts", owing(supply)).json()
    body = {"message_id": "a-1", "amount_minor": 500, "reason": "interest"}
    asked = caller.post(f"/debts/{debt['id']}/adjust", body).json()
    other = program(name="other")
    assert other.get("/approvals").json()["items"] == []
    withdraw = f"/approvals/{asked['id']}/withdraw"
    assert code(other.post(withdraw, {"message_id": "x"})) == "not_found"
    done = caller.post(withdraw, {"message_id": "x", "reason": "a mistake"}).json()
    assert done["state"] == "withdrawn"
    assert caller.post(withdraw, {"message_id": "x", "reason": "a mistake"}).json() == done
    assert caller.get("/approvals", state="open").json()["items"] == []


# --- vendors -------------------------------------------------------------------------------------


def test_a_vendor_is_read_with_its_wallet_shifts_and_statement(program, supply):
    shop = Shop()
    shop.buy(50_000)
    shop.open_shift()
    shop.sell(10_000, supply)
    caller = program()
    found = caller.get(f"/vendors/{id_of(shop.vendor)}").json()
    assert (found["balance_minor"], found["available_minor"]) == (40_000, 40_000)
    lines = caller.get(f"/vendors/{id_of(shop.vendor)}/statement").json()["items"]
    assert [one["balance_minor"] for one in lines] == [40_000, 50_000]
    (shift,) = caller.get("/shifts", vendor_id=id_of(shop.vendor)).json()["items"]
    assert (shift["state"], shift["sold_minor"]) == ("open", 10_000)


def test_a_vendors_program_sees_its_own_vendor_and_no_debts(program, supply, code):
    own, other = Shop("Own"), Shop("Other")
    caller = program()
    add_operator(own.vendor, caller.key.program, by=console_user(), at=NOON)
    assert [one["name"] for one in caller.get("/vendors").json()["items"]] == ["Own"]
    assert code(caller.get(f"/vendors/{id_of(other.vendor)}")) == "not_found"
    assert code(caller.get("/debts")) == "not_permitted"


def test_a_vendors_program_is_kept_from_the_utilitys_business_whatever_its_key_is_good_for(
    program, supply, code
):
    caller = program()
    add_operator(Shop().vendor, caller.key.program, by=console_user(), at=NOON)
    debt, agreement, drn = encode("debts.debt", 1), id_of(supply), supply.meter.drn
    reason = {"message_id": "x", "reason": "x"}
    for path, body in (
        ("/customers", {"message_id": "x", "name": "Nomsa Dube"}),
        ("/meters", {"message_id": "x", "number": new_drn(), "sgc": "201457"}),
        (f"/agreements/{agreement}/end", reason),
        ("/debts", owing(supply)),
        (f"/debts/{debt}/write-off", reason | {"amount_minor": 1}),
        (f"/meters/{drn}/engineering-tokens", reason | {"kind": "clear-credit", "values": {}}),
        (f"/agreements/{agreement}/close", reason),
        ("/imports", {"message_id": "x", "kind": "customers", "rows": []}),
    ):
        assert code(caller.post(path, body)) == "not_permitted", path
    for path, method, _ in utilitys_operations():
        ask = {"get": caller.get, "post": lambda path: caller.post(path, {})}[method]
        assert code(ask(path)) == "not_permitted", path
    # Exports are a vendor's too, of what is that vendor's; the registers are not.
    assert code(caller.get("/exports/customers")) == "not_permitted"
    assert caller.get("/exports/sales").status_code == 200


def utilitys_operations():
    """Return path, method and scope of what vendors' programs are kept from."""
    found = [
        (path.removeprefix("/api/v1"), method, operation["x-scope"])
        for path, methods in service.api.get_openapi_schema()["paths"].items()
        for method, operation in methods.items()
        if operation.get("x-scope") in UTILITYS
    ]
    assert {scope for _, _, scope in found} == UTILITYS
    return found


def test_credit_is_asked_for_and_a_person_of_the_utility_decides(program, approver, code):
    shop, caller = Shop(), program()
    address = f"/vendors/{id_of(shop.vendor)}/credit"
    body = {"message_id": "c-1", "paid_minor": 9_700, "payment_reference": "Bank 77"}
    asked = caller.post(address, body).json()
    assert caller.post(address, body).json() == asked
    again = caller.post(address, body | {"message_id": "c-2"})
    assert code(again) == "payment_reference_taken"
    approvals.approve(Approval.objects.get(), approver, NOON)
    assert Purchase.objects.get().requested_by == caller.key.program
    assert caller.get(f"/vendors/{id_of(shop.vendor)}").json()["balance_minor"] == 9_700


def test_a_program_says_when_a_wallet_is_low(program):
    shop, caller = Shop(), program("vendors:read", "vendors:credit")
    address = f"/vendors/{id_of(shop.vendor)}"
    assert caller.get(address).json()["low_below_minor"] is None
    for threshold_minor in (100_00, None):
        body = {"low_below_minor": threshold_minor}
        answer = caller.put(f"{address}/low-wallet", body).json()
        assert (answer["low_below_minor"], answer["low_since"]) == (threshold_minor, None)


# --- engineering ---------------------------------------------------------------------------------


def test_an_engineering_token_is_made_or_waits_as_its_kind_says(program, supply, code):
    caller = program()
    address = f"/meters/{supply.meter.drn}/engineering-tokens"
    body = {"message_id": "e-1", "kind": "unbalance-limit", "values": {"limit_w": 500}}
    made = caller.post(address, body | {"reason": "three phases"}).json()
    assert made["approval"] is None
    assert len(made["token"]["digits"]) == 20
    assert caller.post(address, body | {"reason": "three phases"}).json() == made
    body = {"message_id": "e-2", "kind": "clear-credit", "values": {}, "reason": "moved out"}
    waits = caller.post(address, body).json()
    assert (waits["token"], waits["approval"]["state"]) == (None, "open")
    body = {"message_id": "e-3", "kind": "no-such", "values": {}, "reason": "x"}
    assert caller.post(address, body).status_code in (404, 422)


def test_a_key_change_is_asked_for_and_listed_once_approved(program, supply, approver):
    caller = program()
    address = f"/meters/{supply.meter.drn}/key-changes"
    asked = caller.post(address, {"message_id": "k-1", "ti": 2, "reason": "other tariff"}).json()
    assert asked["state"] == "open"
    assert caller.get(address).json()["items"] == []
    approvals.approve(Approval.objects.get(), approver, NOON)
    (change,) = caller.get(address).json()["items"]
    assert (change["state"], change["after"]["ti"]) == ("issued", 2)


# --- supplies ------------------------------------------------------------------------------------


def test_an_account_is_closed_read_and_settled(program, supply, monkeypatch, code):
    caller = program()
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOON + timedelta(days=1))
    body = {"message_id": "c-1", "reason": "moves out", "ask_meter": False}
    made = caller.post(f"/agreements/{id_of(supply)}/close", body).json()
    assert (made["state"], made["refund_minor"]) == ("open", None)
    assert caller.post(f"/agreements/{id_of(supply)}/close", body).json() == made
    address = f"/closings/{made['number']}"
    read = {"message_id": "c-2", "energy_wh": 0, "credit_wh": 0}
    assert caller.post(f"{address}/registers", read).json()["state"] == "registers known"
    settled = caller.post(f"{address}/settle", {"message_id": "c-3"}).json()
    assert (settled["state"], settled["refund_minor"], settled["owed_minor"]) == ("settled", 0, 0)
    assert caller.get(address).json() == settled
    assert caller.get("/closings").json()["items"] == [settled]
    answer = caller.post(f"{address}/settle", {"message_id": "c-4"})
    assert answer.status_code == 422
    assert code(caller.get("/closings/C-none")) == "not_found"


def test_billing_reads_the_switches_of_payment_modes(program, supply):
    command = Command.objects.create(
        meter=supply.meter,
        command="payment_mode",
        arguments={"mode": "postpayment"},
        detail={"energy_wh": 5_000, "credit_wh": 700, "postpaid_wh": 0},
        created_at=NOON,
    )
    switch = modes.settle(command, at=NOON)
    assert switch is not None
    (found,) = program().get("/mode-switches", meter=supply.meter.drn).json()["items"]
    assert (found["number"], found["credit_wh"]) == (switch.number, 700)


def test_nothing_free_is_given_to_who_is_not_enrolled(program, supply, code):
    answer = program().post(f"/meters/{supply.meter.drn}/free-electricity", {"message_id": "f-1"})
    assert (answer.status_code, code(answer)) == (422, "no_free_electricity")
