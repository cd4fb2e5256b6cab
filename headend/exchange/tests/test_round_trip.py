"""An export is handed in again: here nothing changes; elsewhere references stand for ids."""

import csv
import io

import pytest

from headend.accounts.services import console_user
from headend.config.opaque import id_of
from headend.customers.models import Customer
from headend.exchange import exports
from headend.exchange.tests.test_imports import ADDED, CHANGED, UNCHANGED, WRONG, run
from headend.meters.models import Meter
from headend.testing import make_meter, make_supply
from headend.vending.tests.test_free_electricity import enrol

pytestmark = pytest.mark.django_db


def exported(name):
    export = exports.EXPORTS[name]
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
