"""Registering and finding meters."""

import pytest
from django.db import IntegrityError, transaction

from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.meters.errors import InvalidMeter, InvalidMeterNumber, MeterNotFound
from headend.meters.models import Meter
from headend.meters.queries import meter_numbered
from headend.meters.services import KeyAttributes, install_meter, register_meter
from headend.testing import NOON, make_meter
from shared.sts import identifiers

pytestmark = pytest.mark.django_db


def register(drn="04100000019", by=None, **key):
    attributes = KeyAttributes(**({"sgc": "201457"} | key))
    return register_meter(drn=drn, key=attributes, by=by or console_user(), at=NOON)


def test_pan_follows_from_the_meter_number():
    meter = register()
    assert meter.pan == "600727041000000193"
    assert meter.status == Meter.Status.STOCK
    assert AuditEntry.objects.get().action == "meters.register"


def test_thirteen_digit_numbers_have_the_other_issuer():
    drn = identifiers.make_drn("0001", "00000001")
    assert register(drn=drn).pan.startswith("0000" + drn)


@pytest.mark.parametrize("drn", ["12345678904", "11111111113", "0410000001", "0410000001x", ""])
def test_wrong_numbers_are_refused(drn):
    with pytest.raises(InvalidMeterNumber):
        register(drn=drn)
    with pytest.raises(InvalidMeterNumber):
        meter_numbered(drn)


def test_digits_of_another_script_are_no_digits():
    with pytest.raises(InvalidMeterNumber):
        meter_numbered("٠٤١٠٠٠٠٠٠١٩")


@pytest.mark.parametrize(
    "key",
    [
        {"sgc": "20145"},
        {"krn": 0},
        {"krn": 10},
        {"kt": 4},
        {"ti": 100},
        {"ken": 256},
        {"base_date": 2000},
        {"ea": 9},
        {"ea": 11, "dkga": 2},
        {"dkga": 3},
    ],
)
def test_impossible_attributes_are_refused(key):
    with pytest.raises(InvalidMeter):
        register(**key)


def test_a_number_is_registered_once():
    register()
    with pytest.raises(InvalidMeter, match="already exists"):
        register()


def test_found_by_label_or_pan_however_grouped():
    meter = register()
    assert meter_numbered(" 041 0000 0019 ") == meter
    assert meter_numbered("600727 041000000193") == meter


def test_unknown_number_says_so():
    with pytest.raises(MeterNotFound, match="04100000019"):
        meter_numbered("04100000019")


def test_only_a_meter_in_stock_is_installed():
    meter = make_meter()
    with pytest.raises(InvalidMeter, match="installed"):
        install_meter(meter, by=console_user(), at=NOON)


def test_registering_needs_permission():
    cashier = create_user(username="c", password=None, groups=("cashier",))
    with pytest.raises(NotPermitted, match="permission"):
        register(by=cashier)


def test_database_keeps_token_identifiers_in_24_bits():
    meter = register()
    with pytest.raises(IntegrityError), transaction.atomic():
        Meter.objects.filter(pk=meter.pk).update(last_tid=1 << 24)
