"""Payments at the bank over HTTP: an ERP tells them and asks where they belong."""

from __future__ import annotations

from headend.accounts import approvals
from headend.accounts.models import Approval
from headend.accounts.services import console_user, create_user
from headend.config.opaque import encode, id_of
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.testing import NOON

PAID = {
    "message_id": "b-1",
    "reference": "EFT 77",
    "amount_minor": 2_000,
    "paid_on": "2026-11-20",
    "payer": "N Dube",
    "text": "arrears",
}


def test_a_payment_waits_until_a_person_agrees_what_it_is_for(program, supply):
    debt = open_debt(
        owner=supply.customer,
        title="Arrears",
        amount_minor=5_000,
        terms=Terms(method="per_purchase", amount_minor=100),
        by=console_user(),
        at=NOON,
    )
    caller = program("bank", "debts:read")
    made = caller.post("/bank-payments", PAID).json()
    assert (made["state"], made["text"]) == ("waiting", "arrears")
    assert caller.post("/bank-payments", PAID).json() == made
    assert caller.get("/bank-payments", state="waiting").json()["items"] == [made]
    assert caller.get("/bank-payments", reference="eft 77").json()["items"] == [made]
    address = f"/bank-payments/{made['id']}"
    body = {"message_id": "b-2", "to": "debt", "names": id_of(debt), "reason": "the slip"}
    asked = caller.post(f"{address}/clear", body).json()
    assert asked["state"] == "open"
    assert caller.get(address).json() == made
    second = create_user(username="second", password=None, groups=("approver",))
    approvals.approve(Approval.objects.get(), second, NOON)
    assert caller.get(address).json()["state"] == "cleared"
    assert caller.get(f"/debts/{id_of(debt)}").json()["balance_minor"] == 3_000


def test_what_the_bank_tells_twice_or_goes_nowhere_is_refused(program, code):
    caller = program()
    made = caller.post("/bank-payments", PAID).json()
    again = caller.post("/bank-payments", PAID | {"message_id": "b-2"})
    assert (again.status_code, code(again)) == (422, "bank_payment_known")
    address = f"/bank-payments/{made['id']}/clear"
    nowhere = {"message_id": "b-3", "to": "debt", "names": "7", "reason": "a guess"}
    assert code(caller.post(address, nowhere)) == "debt_invalid"
    assert code(caller.get(f"/bank-payments/{encode('ledger.bankpayment', 0)}")) == "not_found"
