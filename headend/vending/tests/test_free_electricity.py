"""Free electricity: once a month, counted in the steps, and what a take-over brings along."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from headend.accounts.services import console_user
from headend.tariffs import components as kinds
from headend.tariffs.queries import version_in_force
from headend.tariffs.rules import TariffRules
from headend.testing import NOON, make_supply
from headend.vending.history import circumstances
from headend.vending.models import (
    FreeEnrolment,
    FreeGrant,
    FreeProgramme,
    IssuedToken,
    OpeningUse,
)

pytestmark = pytest.mark.django_db

STEPS = (kinds.Step(Decimal(50), Decimal(1)), kinds.Step(None, Decimal(2)))


def bought_wh(agreement, at=NOON, **energy):
    rules = TariffRules((kinds.Energy("Energy", STEPS, **energy),))
    version = version_in_force(agreement.tariff_id, at=NOON)
    return circumstances(agreement, version, rules, at=at).context.bought_wh


def give(agreement, energy_wh, at):
    me = console_user()
    programme = FreeProgramme.objects.create(code="free", title="Free electricity")
    enrolment = FreeEnrolment.objects.create(
        programme=programme,
        customer=agreement.customer,
        premises=agreement.premises,
        from_month=date(2026, 11, 1),
        enrolled_at=at,
        enrolled_by=me,
    )
    token = IssuedToken.objects.create(
        meter=agreement.meter,
        digits="0" * 20,
        token_class=0,
        subclass=0,
        base_date=2014,
        tid=1,
        units=energy_wh // 100,
        krn=1,
        purpose="free",
        issued_by=me,
        issued_at=at,
    )
    return FreeGrant.objects.create(
        enrolment=enrolment,
        agreement=agreement,
        customer=agreement.customer,
        premises=agreement.premises,
        month=date(2026, 11, 1),
        energy_wh=energy_wh,
        token=token,
        granted_at=at,
        granted_by=me,
    )


def test_free_units_count_in_the_month_unless_the_tariff_says_otherwise():
    agreement = make_supply()
    give(agreement, 50_000, NOON)
    assert bought_wh(agreement) == 50_000
    assert bought_wh(agreement, free_units_count=False) == 0
    assert bought_wh(agreement, at=NOON + timedelta(days=20)) == 0


def test_the_use_before_a_take_over_counts_in_its_month():
    agreement = make_supply()
    OpeningUse.objects.create(
        agreement=agreement,
        as_of=NOON,
        issued_wh=120_000,
        recorded_at=NOON,
        recorded_by=console_user(),
    )
    assert bought_wh(agreement) == 120_000
    assert bought_wh(agreement, free_units_count=False) == 120_000
    assert bought_wh(agreement, at=NOON + timedelta(days=20)) == 0
