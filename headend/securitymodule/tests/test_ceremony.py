"""Keys come in by two people together; ceilings hold; what is refused is on the record."""

from datetime import timedelta

import pytest
from django.db import transaction

from headend.accounts.services import console_user, create_user
from headend.accounts.trusted import note_given_password
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.meters.services import KeyAttributes
from headend.securitymodule import allowance, ceremony, load_file, services
from headend.securitymodule.errors import (
    CreditCeilingReached,
    InvalidKey,
    KeyMissing,
    KeyNotActive,
    LoadFileRefused,
    PublishedKeyRefused,
)
from headend.securitymodule.models import VendingKey
from headend.securitymodule.tests.test_load_file import HALVES, KEY
from headend.testing import NOON, make_meter, make_supply
from headend.vending.services import vend

pytestmark = pytest.mark.django_db
ACTIVE = NOON + timedelta(days=30)


@pytest.fixture(scope="module")
def text():
    return load_file.write([KEY], halves=HALVES)


@pytest.fixture
def officers():
    return (
        create_user(username="first", password=None, groups=("utility administrator",)),
        create_user(username="second", password=None, groups=("approver",)),
    )


def test_two_people_load_keys_with_all_they_are(text, officers):
    (key,) = ceremony.load_keys(text, halves=HALVES, officers=officers, at=NOON)
    key.refresh_from_db()
    assert (key.sgc, key.krn, key.ken, key.credit_ceiling_kwh) == ("123456", 3, 200, 1_000_000)
    meter = make_meter(key=KeyAttributes(sgc="123456", krn=3))
    with pytest.raises(KeyNotActive):
        services.generate_credit_token(meter, units=1, tid=6_500_000, at=NOON)
    assert services.generate_credit_token(meter, units=1, tid=6_500_000, at=ACTIVE)
    rows = AuditEntry.objects.filter(object_type="securitymodule.vendingkey").order_by("pk")
    assert [(row.action, row.actor_name) for row in rows] == [
        ("securitymodule.load_vending_key", "first"),
        ("securitymodule.witness_load", "second"),
    ]


def test_one_person_is_not_enough(text, officers):
    first, second = officers
    with pytest.raises(LoadFileRefused, match="two people"):
        ceremony.load_keys(text, halves=HALVES, officers=(first, first), at=NOON)
    with pytest.raises(NotPermitted):
        ceremony.load_keys(text, halves=HALVES, officers=(second, first), at=NOON)
    cashier = create_user(username="c", password=None, groups=("cashier",))
    with pytest.raises(NotPermitted):
        ceremony.load_keys(text, halves=HALVES, officers=(first, cashier), at=NOON)
    assert not VendingKey.objects.exists()


def test_who_set_the_others_password_alone_is_no_second_person(text, officers):
    first, second = officers
    note_given_password(first, by=second, at=NOON)
    with pytest.raises(LoadFileRefused, match="set the other's password"):
        ceremony.load_keys(text, halves=HALVES, officers=officers, at=NOON)
    assert not VendingKey.objects.exists()


def test_a_file_is_loaded_whole_or_not_at_all(text, officers):
    other = load_file.LoadedKey(**{**vars(KEY), "sgc": "654321"})
    both = load_file.write([other, KEY], halves=HALVES)
    ceremony.load_keys(text, halves=HALVES, officers=officers, at=NOON)
    with pytest.raises(InvalidKey, match="loaded already"):
        ceremony.load_keys(both, halves=HALVES, officers=officers, at=NOON)
    assert VendingKey.objects.get().sgc == "123456"


def test_test_keys_come_in_only_in_a_demonstration(officers, settings):
    key = load_file.LoadedKey(**{**vars(KEY), "is_test": True})
    text = load_file.write([key], halves=HALVES)
    settings.DEMONSTRATION = False
    with pytest.raises(PublishedKeyRefused):
        ceremony.load_keys(text, halves=HALVES, officers=officers, at=NOON)
    settings.DEMONSTRATION = True
    ceremony.load_keys(text, halves=HALVES, officers=officers, at=NOON)


def test_the_published_key_is_known_even_unmarked(settings):
    settings.DEMONSTRATION = False
    with pytest.raises(PublishedKeyRefused):
        services.load_vending_key(
            clear_key=bytes.fromhex("abababababababab949494949494949401234567"),
            sgc="123456", kt=2, krn=1, base_date=2014, by=console_user(), at=NOON,
        )  # fmt: skip


# --- ceilings ----------------------------------------------------------------------------------


@pytest.fixture
def limited():
    """A key that may issue 10 kWh."""
    return services.load_vending_key(
        clear_key=bytes(range(20)), sgc="123456", kt=2, krn=1, base_date=2014,
        credit_ceiling_kwh=10, by=console_user(), at=NOON,
    )  # fmt: skip


def test_a_ceiling_is_used_up_to_the_last_unit_and_never_passed(limited):
    meter = make_meter(key=KeyAttributes(sgc="123456"))
    for number, units in enumerate((33, 33, 33, 1)):
        services.generate_credit_token(meter, units=units, tid=6_500_000 + number, at=NOON)
    assert allowance.units_left(limited) == 0
    with pytest.raises(CreditCeilingReached, match=r"may issue 0\.0 kWh more and 0\.1 kWh"):
        services.generate_credit_token(meter, units=1, tid=6_500_009, at=NOON)


def test_what_is_refused_or_rolled_back_takes_nothing(limited):
    with pytest.raises(CreditCeilingReached):
        allowance.draw(limited, 101)
    assert allowance.units_left(limited) == 100
    with transaction.atomic():
        allowance.draw(limited, 60)
        transaction.set_rollback(True)
    assert allowance.units_left(limited) == 100


def test_a_key_without_a_ceiling_issues_any_amount():
    services.load_demonstration_keys(by=console_user(), at=NOON)
    key = VendingKey.objects.get()
    allowance.draw(key, 10**9)
    assert allowance.units_left(key) is None


# --- refusals ----------------------------------------------------------------------------------


def test_a_refused_use_is_recorded_though_its_sale_is_undone():
    supply = make_supply()
    VendingKey.objects.update(active_until=NOON)
    cashier = create_user(username="c", password=None, groups=("cashier",))
    with pytest.raises(KeyNotActive):
        vend(
            caller="t", message_id="1", meter=supply.meter, tender_minor=5000,
            operator=cashier, at=NOON,
        )  # fmt: skip
    row = AuditEntry.objects.get(action="securitymodule.refuse_key")
    assert (row.actor, row.object_type) == (cashier, "securitymodule.vendingkey")
    assert row.after == {"code": "key_not_active"}
    assert "ended at 2026-11-21 14:00" in row.reason


def test_a_missing_key_is_recorded_with_the_meter():
    meter = make_meter(key=KeyAttributes(sgc="999999"))
    with pytest.raises(KeyMissing):
        services.provisioning_secrets(meter, console_user(), NOON)
    row = AuditEntry.objects.get(action="securitymodule.refuse_key")
    assert (row.object_type, row.object_id) == ("meters.meter", str(meter.pk))
