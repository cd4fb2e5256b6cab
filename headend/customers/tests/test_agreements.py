"""Who is served by which meter, and when."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction

from headend.accounts.services import console_user, create_user
from headend.audit.lives import of_object
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.customers.errors import InvalidAgreement, InvalidThreshold, NoSupplyAgreement
from headend.customers.models import Premises, SupplyAgreement
from headend.customers.queries import agreement_of
from headend.customers.services import (
    end_agreement,
    open_agreement,
    register_customer,
    replace_meter,
    set_low_credit_threshold,
)
from headend.testing import NOON, make_meter, make_supply, make_tariff

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def supply():
    return make_supply()


def open_for_somebody_else(meter, at):
    by = console_user()
    return open_agreement(
        customer=register_customer(name="Next", by=by, at=at),
        address="1 Test Road",
        meter=meter,
        tariff=make_tariff(),
        by=by,
        at=at,
    )


def test_an_agreement_holds_until_it_is_ended_whatever_the_clock_says(supply):
    for at in (NOON - DAY, NOON, NOON + DAY):
        assert agreement_of(supply.meter, at=at) == supply
    end_agreement(supply, by=console_user(), at=NOON + DAY, reason="moved out")
    for at in (NOON, NOON + DAY):
        with pytest.raises(NoSupplyAgreement, match=f"{supply.meter} has no active"):
            agreement_of(supply.meter, at=at)


def test_a_day_that_has_not_come_is_named_as_the_utility_counts_days(supply):
    midnight = datetime(2027, 1, 1, tzinfo=ZoneInfo("Africa/Johannesburg"))  # 22:00 in UTC
    with pytest.raises(InvalidAgreement, match="begin on 2027-01-01, later than now"):
        open_agreement(
            customer=supply.customer,
            address="1 Test Road",
            meter=make_meter(),
            tariff=make_tariff(),
            by=console_user(),
            at=NOON,
            since=midnight,
        )


def test_a_meter_serves_one_customer_at_a_time(supply):
    with pytest.raises(InvalidAgreement, match="serves somebody"):
        open_for_somebody_else(supply.meter, NOON)
    end_agreement(supply, by=console_user(), at=NOON + DAY, reason="moved out")
    following = open_for_somebody_else(supply.meter, NOON + DAY)
    assert agreement_of(supply.meter, at=NOON + DAY) == following
    assert following.premises == supply.premises
    assert Premises.objects.count() == 1


@pytest.mark.parametrize("after", [-DAY, timedelta(0)])
def test_an_agreement_cannot_end_before_it_began(supply, after):
    with pytest.raises(IntegrityError), transaction.atomic():
        SupplyAgreement.objects.filter(pk=supply.pk).update(ended_at=NOON + after)
    end_agreement(supply, by=console_user(), at=NOON + after, reason="x")
    supply.refresh_from_db()
    assert supply.ended_at == NOON + timedelta(microseconds=1)


def test_an_agreement_ends_once(supply):
    end_agreement(supply, by=console_user(), at=NOON + DAY, reason="moved out")
    with pytest.raises(InvalidAgreement, match="ended already"):
        end_agreement(supply, by=console_user(), at=NOON + 2 * DAY, reason="again")


def test_changes_are_recorded(supply):
    end_agreement(supply, by=console_user(), at=NOON + DAY, reason="moved out")
    entries = AuditEntry.objects.filter(object_type="customers.supplyagreement")
    assert [entry.action for entry in entries.order_by("id")] == [
        "customers.open_agreement",
        "customers.end_agreement",
    ]


def test_changes_need_permission(supply):
    cashier = create_user(username="c", password=None, groups=("cashier",))
    with pytest.raises(NotPermitted):
        end_agreement(supply, by=cashier, at=NOON + DAY, reason="x")
    with pytest.raises(NotPermitted):
        register_customer(name="x", by=cashier, at=NOON)


@pytest.mark.parametrize("threshold_wh", [0, 8_000, 10_000_000])
def test_a_low_credit_threshold_is_set_and_recorded_once(supply, threshold_wh):
    for _ in range(2):
        set_low_credit_threshold(supply, threshold_wh=threshold_wh, by=console_user(), at=NOON)
    supply.refresh_from_db()
    assert supply.low_credit_threshold_wh == threshold_wh
    entry = AuditEntry.objects.get(action="customers.set_low_credit_threshold")
    assert entry.before == {"low_credit_threshold_wh": 5000}
    assert entry.after == {"low_credit_threshold_wh": threshold_wh}


@pytest.mark.parametrize("threshold_wh", [-1, 10_000_001])
def test_an_impossible_low_credit_threshold_is_refused(supply, threshold_wh):
    with pytest.raises(InvalidThreshold, match="0 to 10000 kWh"):
        set_low_credit_threshold(supply, threshold_wh=threshold_wh, by=console_user(), at=NOON)
    supply.refresh_from_db()
    assert supply.low_credit_threshold_wh == 5000


def test_a_low_credit_threshold_needs_permission_and_a_running_agreement(supply):
    cashier = create_user(username="c", password=None, groups=("cashier",))
    with pytest.raises(NotPermitted):
        set_low_credit_threshold(supply, threshold_wh=1, by=cashier, at=NOON)
    end_agreement(supply, by=console_user(), at=NOON + DAY, reason="moved out")
    with pytest.raises(InvalidAgreement, match="ended"):
        set_low_credit_threshold(supply, threshold_wh=1, by=console_user(), at=NOON + DAY)


def test_another_meter_takes_over_and_what_served_before_stays_known(supply):
    old, new = supply.meter, make_meter()
    replace_meter(supply, new, by=console_user(), at=NOON + DAY, reason="burnt")
    supply.refresh_from_db()
    assert agreement_of(new, at=NOON + DAY) == supply
    with pytest.raises(NoSupplyAgreement):
        agreement_of(old, at=NOON + DAY)
    former = supply.former_meters.get()
    assert (former.meter, former.served_from, former.served_until) == (old, NOON, NOON + DAY)
    assert AuditEntry.objects.get(action="customers.replace_meter").reason == "burnt"


def test_a_meter_that_serves_somebody_replaces_none(supply):
    with pytest.raises(InvalidAgreement, match="serves somebody"):
        replace_meter(
            supply, make_supply().meter, by=console_user(), at=NOON + DAY, reason="burnt"
        )
    end_agreement(supply, by=console_user(), at=NOON + DAY, reason="moved out")
    with pytest.raises(InvalidAgreement, match="ended"):
        replace_meter(supply, make_meter(), by=console_user(), at=NOON + 2 * DAY, reason="burnt")


def test_the_life_of_a_former_meter_has_its_agreement(supply):
    old = supply.meter
    replace_meter(supply, make_meter(), by=console_user(), at=NOON + DAY, reason="burnt")
    actions = {one.action for one in of_object("meters.meter", str(old.pk))}
    assert "customers.replace_meter" in actions
