"""An export is handed in again: here nothing changes; elsewhere references stand for ids."""

import csv
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from headend.accounts.services import console_user
from headend.config.opaque import id_of
from headend.customers.models import Customer
from headend.debts.models import Debt
from headend.debts.queries import collectable
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.exchange import exportable, exports
from headend.exchange.tests.test_imports import ADDED, CHANGED, UNCHANGED, WRONG, run
from headend.ledger.proofs import differences_of, prove
from headend.meters.models import Meter
from headend.testing import NOON, make_meter, make_supply
from headend.vending import debt_payments as payments
from headend.vending.tests.test_free_electricity import enrol

pytestmark = pytest.mark.django_db


def exported(name):
    export = exportable.EXPORTS[name]
    found = exports.find(export, by=console_user())
    return b"".join(exports.as_csv(exports.rows(export, found)))


def without(sheet, *columns):
    rows = list(csv.DictReader(io.StringIO(sheet.decode("utf-8-sig"))))
    kept = [name for name in rows[0] if name not in columns]
    return [";".join(kept), *(";".join(row[name] for name in kept) for row in rows)]


@pytest.mark.parametrize("name", ["customers", "meters", "agreements", "free-electricity"])
def test_what_was_exported_is_unchanged_when_it_comes_again(name):
    enrol(make_supply())
    Meter.objects.filter(pk=make_meter().pk).update(status=Meter.Status.REMOVED)
    for outcome in run(name, exported(name)):
        assert outcome == UNCHANGED


def owing(supply):
    """Return three debts: paid in part by a plan, on the premises, and paid altogether."""
    terms = Terms(method="instalments", instalments=12, first_due=date(2026, 10, 1))
    by_plan = open_debt(
        owner=supply.customer, title="Arrears", amount_minor=120_00, terms=terms,
        by=console_user(), at=NOON,
    )  # fmt: skip
    for owner, reference in ((supply.premises, "D-2"), (supply.customer, "D-3")):
        open_debt(
            owner=owner, title="Pole", amount_minor=50_00, external_reference=reference,
            terms=Terms(method="percent", percent=Decimal("12.5")), by=console_user(), at=NOON,
        )  # fmt: skip
    for debt, paid_minor in (
        (by_plan, 20_00),
        (Debt.objects.get(external_reference="D-3"), 50_00),
    ):
        payments.pay(
            caller="till", message_id=f"m{debt.pk}", debt=debt, amount_minor=paid_minor,
            operator=console_user(), at=NOON,
        )  # fmt: skip
    return by_plan


def test_debts_that_were_exported_are_unchanged_when_they_come_again():
    owing(make_supply())
    assert run("debts", exported("debts")) == [UNCHANGED] * 3
    assert Debt.objects.count() == 3


def test_elsewhere_what_is_still_owed_is_opened_and_recovered_as_before():
    here = make_supply()
    Customer.objects.update(external_reference="C-1")
    by_plan = owing(here)
    sheet = without(exported("debts"), "id", "customer")
    there = make_supply()  # as if in another installation: other customer, premises and debts
    Customer.objects.filter(pk=there.customer.pk).update(external_reference="C-2")
    heading, *rows = sheet
    moved = [
        row.replace("C-1", "C-2").replace(here.meter.drn, there.meter.drn).replace("D-", "E-")
        .replace(id_of(by_plan), "0elsewhere0001")
        for row in rows
    ]  # fmt: skip
    assert run("debts", heading, *moved) == [ADDED, ADDED, UNCHANGED]
    assert run("debts", heading, *moved) == [UNCHANGED] * 3
    one, other = Debt.objects.order_by("pk")[3:]
    assert (one.customer, one.balance_minor, one.plan_minor) == (there.customer, 100_00, 120_00)
    assert (other.premises, other.balance_minor, other.percent) == (
        there.premises, 50_00, Decimal("12.5"),
    )  # fmt: skip
    # Two of twelve had fallen due and were paid: the next payment is that of the third, as here.
    (owed,) = (each for each in collectable(there, at=NOON) if each.key == one.pk)
    (same,) = (each for each in collectable(here, at=NOON) if each.key == by_plan.pk)
    assert replace(owed, key=same.key) == same
    assert differences_of(prove(at=NOON)) == []


def test_a_debt_of_another_amount_or_currency_is_refused():
    heading = "reference;customer;title;amount;balance;method;rate;currency"
    customer = id_of(make_supply().customer)
    row = f"D-1;{customer};Arrears;{{}};{{}};percent;10;{{}}"
    assert run("debts", heading, row.format("10", "10.01", "")) == [WRONG]
    assert run("debts", heading, row.format("10", "5", "USD")) == [WRONG]
    assert run("debts", heading, row.format("10", "5", "ZAR")) == [ADDED]
    assert run("debts", heading, row.format("11", "6", "")) == [("error", "row_differs")]


def test_an_agreement_that_ended_is_not_opened_by_its_export():
    supply = make_supply()
    heading = "meter,customer,address,tariff,until"
    row = f"{make_meter().drn},{id_of(supply.customer)},9 There,{supply.tariff.code},"
    assert run("agreements", heading, f"{row}2026-11-01") == [UNCHANGED]
    assert run("agreements", heading, f"{row}2026-11-01", row) == [UNCHANGED, ADDED]


def test_a_customer_is_given_a_reference_once():
    customer = make_supply().customer
    give = f"C-9;{id_of(customer)};{customer.name}"
    assert run("customers", "reference;id;name", give) == [CHANGED]
    assert run("customers", "reference;id;name", give, f"C-9;;{customer.name}") == [UNCHANGED] * 2
    assert run("customers", "reference;id;name", f"C-8;{id_of(customer)};X") == [WRONG]
    assert Customer.objects.get().external_reference == "C-9"


def test_elsewhere_customers_are_known_by_their_references():
    run("customers", "reference;id;name", f"C-1;{id_of(make_supply().customer)};Nomsa Dube")
    customers = [line.replace("C-1", "C-2") for line in without(exported("customers"), "id")]
    assert run("customers", *customers) == [ADDED]
    agreements = without(exported("agreements"), "customer")
    assert run("agreements", *agreements) == [UNCHANGED]
    moved = make_meter().drn
    line = agreements[1].replace("C-1", "C-2").replace(agreements[1].split(";")[0], moved)
    assert run("agreements", agreements[0], line) == [ADDED]
