"""Tokens that are no sale: what is kept of them, and that a meter takes them."""

import pytest

from headend.accounts.services import console_user
from headend.audit.models import AuditEntry
from headend.meters.models import Meter
from headend.securitymodule.errors import InvalidTokenContent, KeyMissing
from headend.securitymodule.tokens import Credit, Management, MeterTest
from headend.testing import NOON, make_meter, make_supply
from headend.vending.issuing import issue
from headend.vending.models import IssuedToken

pytestmark = pytest.mark.django_db


@pytest.fixture
def meter(db):
    return make_supply().meter


def issued(meter, content, **more):
    return issue(
        meter=meter, content=content, purpose="a test", by=console_user(), at=NOON, **more
    )


def test_each_token_is_kept_with_who_why_and_an_identifier_of_its_own(meter):
    first = issued(meter, Credit.of_energy(5_050), reason="free energy")
    second = issued(meter, Management(subclass=0, value=4_600))
    assert (first.units, first.token_class, first.krn) == (51, 0, 1)
    assert second.tid == first.tid + 1 == Meter.objects.get(pk=meter.pk).last_tid
    entry = AuditEntry.objects.filter(action="vending.issue_token").earliest("pk")
    assert (entry.object_id, entry.reason) == (str(first.pk), "free energy")
    assert entry.after == {
        "meter": meter.drn,
        "purpose": "a test",
        "tid": first.tid,
        "units": 51,
    }
    assert first.digits not in str(entry.after)


def test_a_meter_test_has_no_identifier_and_needs_no_key(meter):
    keyless = make_meter()
    keyless.sgc = "999999"
    keyless.save()
    token = issued(keyless, MeterTest(subclass=0, control=(1 << 36) - 1, mfr_code="00"))
    assert token.digits == "56493153725450313471"  # published: all tests
    assert token.tid is None
    assert Meter.objects.get(pk=keyless.pk).last_tid is None


def test_the_meters_row_as_the_database_has_it_counts(meter):
    stale = Meter.objects.get(pk=meter.pk)
    first = issued(meter, Credit(10))
    assert issued(stale, Credit(10)).tid == first.tid + 1


def test_what_no_token_can_carry_is_refused_and_leaves_nothing(meter):
    before = Meter.objects.get(pk=meter.pk).last_tid
    with pytest.raises(InvalidTokenContent):
        issued(meter, Management(subclass=5, value=1))
    with pytest.raises(InvalidTokenContent):
        Credit.of_energy(0)
    assert not IssuedToken.objects.exists()
    assert Meter.objects.get(pk=meter.pk).last_tid == before


def test_without_a_key_nothing_is_made(meter):
    Meter.objects.filter(pk=meter.pk).update(sgc="999999")
    with pytest.raises(KeyMissing):
        issued(meter, Credit(10))
    assert not IssuedToken.objects.exists()
