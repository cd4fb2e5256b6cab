"""Changing one meter's key: a request, an approval, tokens, and how it ends."""

import pytest

from headend.accounts import approvals
from headend.accounts.services import create_user
from headend.config.errors import NotPermitted
from headend.engineering import key_orders
from headend.meters.models import KeyChange, Meter
from headend.securitymodule.errors import KeyMissing
from headend.testing import NOON, make_supply
from headend.vending import key_changes
from headend.vending.errors import InvalidKeyChange
from headend.vending.tests.key_meters import FieldMeter, load_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def meter(db):
    return make_supply().meter


@pytest.fixture
def engineer(db):
    return create_user(username="engineer", password=None, groups=("engineer",))


@pytest.fixture
def approver(db):
    return create_user(username="approver", password=None, groups=("approver",))


def ordered(meter, engineer, **changes):
    return key_orders.order(meter, changes, by=engineer, at=NOON, reason="revision")


def test_approved_it_is_given_out_and_the_meter_takes_it(meter, engineer, approver):
    load_key()
    field = FieldMeter(meter)
    asked = ordered(meter, engineer, krn=2, ti=3)
    assert asked.summary == f"Change the key of meter {meter}: KRN 1 → 2, tariff index 1 → 3"
    assert not KeyChange.objects.exists()
    approvals.approve(asked, by=approver, at=NOON)
    change = KeyChange.objects.get()
    answers = [field.enter(token.digits) for token in key_changes.tokens_of(change)]
    assert answers == ["1stKCT", "Accept"]
    key_orders.mark_entered(change, by=engineer, at=NOON, reason="seen on its display")
    assert (change.state, change.evidence) == ("entered", "person")
    assert not Meter.objects.get(pk=meter.pk).has_key_change_due


def test_what_cannot_be_is_refused_when_it_is_asked_for(meter, engineer):
    with pytest.raises(KeyMissing):
        ordered(meter, engineer, krn=2)
    with pytest.raises(InvalidKeyChange):
        ordered(meter, engineer, krn=1)


def test_only_engineers_change_keys(meter, approver):
    load_key()
    with pytest.raises(NotPermitted):
        ordered(meter, approver, krn=2)


def test_sent_and_taken_back(meter, engineer, approver):
    load_key()
    approvals.approve(ordered(meter, engineer, krn=2), by=approver, at=NOON)
    change = KeyChange.objects.get()
    assert len(key_orders.send(change, by=engineer, at=NOON)) == 2
    key_orders.withdraw(change, by=engineer, at=NOON, reason="the meter was replaced")
    assert Meter.objects.get(pk=meter.pk).krn == 1
