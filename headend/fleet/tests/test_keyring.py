"""A message root that may not be used is in the audit record, once an hour and not per message."""

from datetime import timedelta

import pytest

from headend.audit.models import AuditEntry
from headend.fleet.keyring import KeyRing
from headend.securitymodule.errors import KeyMissing, KeyRefused, PublishedKeyRefused
from headend.securitymodule.models import LinkRoot
from headend.testing import NOON, make_supply

pytestmark = pytest.mark.django_db


def refusals():
    rows = AuditEntry.objects.filter(action="securitymodule.refuse_key").order_by("pk")
    return [(row.object_type, (row.after or {})["code"]) for row in rows]


def test_a_missing_root_is_recorded_for_its_meter():
    meter = make_supply().meter
    LinkRoot.objects.all().delete()
    with pytest.raises(KeyMissing):
        KeyRing(clock=lambda: NOON).sign_down(meter, {})
    assert refusals() == [("meters.meter", "key_missing")]


def test_a_test_root_outside_a_demonstration_is_recorded_once_an_hour(settings):
    meter = make_supply().meter
    LinkRoot.objects.update(is_test=True)
    settings.DEMONSTRATION = False
    minutes = iter((0, 1, 59, 60, 61))
    ring = KeyRing(clock=lambda: NOON + timedelta(minutes=next(minutes)))
    for _ in range(5):
        with pytest.raises(PublishedKeyRefused):
            ring.verify_up(meter, b"")
    assert refusals() == [("securitymodule.linkroot", "published_key_refused")] * 2


def test_a_root_that_does_not_open_is_recorded_by_name():
    meter = make_supply().meter
    LinkRoot.objects.update(sealed_key=b"rubbish")
    with pytest.raises(KeyRefused):
        KeyRing(clock=lambda: NOON).sign_down(meter, {})
    assert refusals() == [("securitymodule.linkroot", "vault_unreadable")]
