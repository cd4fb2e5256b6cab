"""Seeding the demonstration: complete, repeatable, and only where it is one."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from headend.accounts.models import User
from headend.accounts.services import console_user
from headend.customers.models import SupplyAgreement
from headend.customers.services import end_agreement
from headend.ledger.proofs import prove
from headend.meters.queries import meter_numbered
from headend.securitymodule.errors import PublishedKeyRefused
from headend.testing import NOON
from headend.vending import services
from headend.vending.demonstration import seed
from headend.vending.models import Sale
from headend.vendors import wallet
from headend.vendors.models import Vendor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_file(settings, tmp_path):
    settings.DEMONSTRATION_FILE = tmp_path / "demonstration.json"


def test_seeded_people_can_log_in_and_vend_for_the_meters():
    seeded = seed(at=NOON)
    for person in seeded.people:
        user = authenticate(username=person.username, password=person.password)
        assert user is not None
        assert user.groups.get().name == person.group
    cashier = User.objects.get(username="cashier")
    assert Sale.objects.latest("created_at").created_at < NOON
    for supply in seeded.supplies:
        meter = meter_numbered(supply.drn)
        sale = services.vend(
            caller="t",
            message_id=supply.drn,
            meter=meter,
            tender_minor=5000,
            operator=cashier,
            at=NOON,
        )
        assert sale.particulars["customer"] == supply.customer


def test_seeding_again_changes_nothing(settings):
    first = seed(at=NOON)
    assert seed(at=NOON + timedelta(days=1)) == first
    assert settings.DEMONSTRATION_FILE.stat().st_mode & 0o777 == 0o600


def test_it_is_seeded_again_after_somebody_moved_out():
    first = seed(at=NOON).supplies[0]
    agreement = SupplyAgreement.objects.get(meter__drn=first.drn)
    end_agreement(agreement, by=console_user(), at=NOON + timedelta(days=1), reason="moved out")
    again = seed(at=NOON + timedelta(days=2)).supplies[0]
    assert (again.drn, again.customer) == (first.drn, "")


def test_a_vendor_has_sold_before():
    seed(at=NOON)
    vendor = Vendor.objects.get()
    assert wallet.balance_minor(vendor) == 2000_00 - 170_00 - 180_00
    closed, running = vendor.shifts.order_by("opened_at")
    assert (closed.state, closed.sold_minor, closed.difference_minor) == ("closed", 170_00, -5_00)
    assert (running.state, running.sold_minor, running.expected_minor) == ("open", 180_00, 380_00)
    assert closed.closed_at
    assert closed.closed_at < running.opened_at < NOON
    assert NOON - running.opened_at < timedelta(hours=4) < NOON - closed.opened_at
    assert prove(at=NOON).differences == []


def test_a_demonstration_whose_roles_were_changed_goes_on_without_a_vendor():
    Group.objects.get(name="vendor manager").permissions.clear()
    assert len(seed(at=NOON).supplies) == 2
    assert not Vendor.objects.exists()


def test_lost_password_file_does_not_reset_passwords(settings):
    first = seed(at=NOON)
    settings.DEMONSTRATION_FILE.unlink()
    assert [person.password for person in seed(at=NOON).people] == [""] * len(first.people)
    assert authenticate(username="admin", password=first.people[0].password)


def test_refused_where_it_is_no_demonstration(settings):
    settings.DEMONSTRATION = False
    console_user()
    with pytest.raises(PublishedKeyRefused):
        seed(at=NOON)
    assert User.objects.count() == 1
    assert not settings.DEMONSTRATION_FILE.exists()
    with pytest.raises(CommandError, match="demonstrations only"):
        call_command("seed_demonstration")


def test_command_prints_log_ins_and_meters():
    out = StringIO()
    call_command("seed_demonstration", "--json", stdout=out)
    printed = json.loads(out.getvalue())
    out = StringIO()
    call_command("seed_demonstration", stdout=out)
    for person in printed["people"]:
        assert f"{person['password']:14} {person['group']}" in out.getvalue()
    for supply in printed["supplies"]:
        assert supply["drn"] in out.getvalue()


def test_dollars_are_taken_at_the_utilitys_till():
    seeded = seed(at=NOON)
    quote = services.trial_vend(
        meter=meter_numbered(seeded.supplies[0].drn),
        tender_minor=10_00,
        currency="USD",
        operator=User.objects.get(username="cashier"),
        at=NOON,
    )
    assert (quote.tender_minor, quote.received_minor) == (182_53, 10_00)
