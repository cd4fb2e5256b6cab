"""A draft tried on a past month: the same energy under both tariffs, and who pays more."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from headend.accounts.services import console_user
from headend.config.opaque import id_of
from headend.customers.services import open_agreement, register_customer
from headend.tariffs.components import CONNECTION_VA, Energy, EnergyByBand, Step
from headend.tariffs.rules import ROUNDED_KWH, Rounding, TariffRules
from headend.tariffs.services import save_draft
from headend.testing import NOON, make_meter, make_supply
from headend.vending import services
from headend.vending.models import Sale
from headend.vending.tryout import try_out

pytestmark = pytest.mark.django_db
DECEMBER = datetime(2026, 12, 15, tzinfo=UTC)


@pytest.fixture
def month():
    """Three customers buy 20, 100 and (in two purchases) 300 kWh in November at 2.50 and 15 %."""
    by = console_user()
    first = make_supply()
    agreements = [first]
    for name in ("Sipho", "Zanele"):
        agreements.append(
            open_agreement(
                customer=register_customer(name=name, by=by, at=NOON),
                address="2 Test Road",
                meter=make_meter(by=by),
                tariff=first.tariff,
                by=by,
                at=NOON,
            )
        )
    purchases = [(0, 5750), (1, 28750), (2, 28750), (2, 57500)]
    for number, (whose, tender_minor) in enumerate(purchases):
        services.vend(
            caller="test",
            message_id=f"m{number}",
            meter=agreements[whose].meter,
            tender_minor=tender_minor,
            operator=by,
            at=NOON + timedelta(hours=number),
        )
    return agreements


def draft_of(*parts, code="test"):
    return save_draft(
        draft=None,
        code=code,
        name="New prices",
        valid_from=None,
        rules=TariffRules(parts, Rounding(lines_from=ROUNDED_KWH)),
        by=console_user(),
        at=NOON,
    )


def steps(*pairs):
    return tuple(Step(upto and Decimal(upto), Decimal(rate)) for upto, rate in pairs)


def test_the_same_energy_under_both_tariffs(month):
    draft = draft_of(Energy("Energy", steps((50, "1"), (None, "4"))))
    before = list(Sale.objects.values())
    done = try_out(draft, at=DECEMBER)
    assert [one.energy_wh for one in done.differences] == [20_000, 100_000, 300_000]
    assert [one.before_minor for one in done.differences] == [5750, 28750, 86250]
    assert [one.after_minor for one in done.differences] == [2000, 25000, 105_000]
    assert (done.before_minor, done.after_minor) == (120_750, 132_000)
    assert done.paying_more == 1
    assert [one.agreement for one in done.most] == [month[2]]
    bands = {band.title: (band.count, band.change_tenths) for band in done.bands if band.count}
    assert bands == {"0–25": (1, -652), "50–100": (1, -130), "200–400": (1, 217)}
    assert list(Sale.objects.values()) == before


def test_only_the_month_before_and_the_tariff_of_the_draft(month):
    flat = Energy("Energy", steps((None, "1")))
    assert not try_out(draft_of(flat), at=NOON).differences
    assert not try_out(draft_of(flat), at=DECEMBER + timedelta(days=31)).differences
    assert not try_out(draft_of(flat, code="other"), at=DECEMBER).differences


def test_who_cannot_be_priced_is_counted(month):
    month[0].connection_va = 900
    month[0].save()
    bands = EnergyByBand("Energy", CONNECTION_VA, steps((None, "1")))
    done = try_out(draft_of(bands), at=DECEMBER)
    assert (len(done.differences), done.not_priced) == (1, 2)


def test_a_sample_says_that_it_is_one(month, monkeypatch):
    monkeypatch.setattr("headend.vending.tryout.MOST_AGREEMENTS", 2)
    done = try_out(draft_of(Energy("Energy", steps((None, "1")))), at=DECEMBER)
    assert (len(done.differences), done.left_out) == (2, 1)


def test_the_page_draws_it(month, log_in, monkeypatch):
    client = log_in("tariff clerk")
    draft = draft_of(Energy("Energy", steps((50, "1"), (None, "4"))))
    address = f"/sales/try-tariff/{id_of(draft)}/"
    assert "Nothing to try it on" in client.get(address).content.decode()
    monkeypatch.setattr("django.utils.timezone.now", lambda: DECEMBER)
    client.force_login(client.user)
    page = client.get(address).content.decode()
    assert "200–400 kWh: +21.7 %, 1 customer<" in page
    assert "R\u00a0862.50 → R\u00a01\u202f050.00" in page
    assert '<td class="number right">+21.7\u00a0%</td>' in page
    assert 'aria-current="page">Tariffs' in page
    assert "Zanele" in page
    assert "1\u202f320.00" in page
