"""A registered meter with message keys, and an agreement that it serves."""

from __future__ import annotations

import datetime

import pytest

from headend.accounts.models import User
from headend.customers.models import Customer, Premises, SupplyAgreement
from headend.fleet.tests.fake_meter import DRN, MESSAGE_ROOT, SGC, now
from headend.meters.models import Meter
from headend.securitymodule import vault
from headend.securitymodule.models import LinkRoot
from headend.tariffs.models import Tariff


@pytest.fixture
def person(db: None) -> User:
    """Somebody who may do everything."""
    return User.objects.create(username="somebody", is_superuser=True)


@pytest.fixture
def meter(db: None) -> Meter:
    """A meter in a supply group whose message root is known to the test."""
    return make_meter(DRN)


def make_meter(drn: str) -> Meter:
    """Register a meter and, with the first one, its supply group's message root."""
    root, _ = LinkRoot.objects.get_or_create(sgc=SGC, generation=1)
    root.sealed_key = vault.seal(MESSAGE_ROOT, label=f"link root {SGC}/1/False")
    root.save()
    return Meter.objects.create(
        drn=drn, pan=f"600727{drn}0", sgc=SGC, link_generation=1, registered_at=now()
    )


@pytest.fixture
def agreement(meter: Meter) -> SupplyAgreement:
    """A customer who wants to be warned below 5 kWh."""
    return SupplyAgreement.objects.create(
        customer=Customer.objects.create(
            name="Thandi Dlamini", phone="+27820000001", created_at=now()
        ),
        premises=Premises.objects.create(address="1 Long Street"),
        meter=meter,
        tariff=Tariff.objects.create(name="domestic"),
        started_at=datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC),
        low_credit_threshold_wh=5000,
    )
