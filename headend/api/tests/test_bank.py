"""Payments at the bank over HTTP: an ERP tells them and asks where they belong."""

from __future__ import annotations

from headend.accounts import approvals
from headend.accounts.models import Approval
from headend.accounts.services import console_user, create_user
from headend.config.opaque import encode, id_of
from headend.currencies.models import SoldCash
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.ledger.queries import balance_minor
from headend.testing import NOON, make_rate
from headend.vending.services import vend

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


def test_what_the_bank_gave_for_dollars_is_told_by_a_program(program, code, supply):
    make_rate("18.00")
    vend(
        caller="till", message_id="m1", meter=supply.meter, tender_minor=10_00, currency="USD",
        operator=console_user(), at=NOON,
    )  # fmt: skip
    caller = program("bank")
    second = create_user(username="second", password=None, groups=("approver",))
    sold = PAID | {"reference": "FX 1", "amount_minor": 93_00}
    kept = PAID | {"message_id": "b-2", "reference": "DEP 1", "amount_minor": 5_00}
    ways = (("sold_tills", "USD 5.00", sold), ("tills", "", kept | {"currency": "USD"}))
    for number, (to, names, told) in enumerate(ways):
        made = caller.post("/bank-payments", told).json()
        assert made["currency"] == told.get("currency", "ZAR")
        body = {"message_id": f"c-{number}", "to": to, "names": names, "reason": "the slip"}
        address = f"/bank-payments/{made['id']}"
        assert caller.post(f"{address}/clear", body).json()["state"] == "open"
        approvals.approve(Approval.objects.get(state=Approval.OPEN), second, NOON)
        assert caller.get(address).json()["state"] == "cleared"
    unknown = PAID | {"message_id": "b-3", "reference": "DEP 2", "currency": "EUR"}
    assert code(caller.post("/bank-payments", unknown)) == "bank_payment_invalid"
    assert SoldCash.objects.get().gained_minor == 3_00
    assert balance_minor("bank", "USD") == 5_00
    assert balance_minor("cash", "USD") == 0
