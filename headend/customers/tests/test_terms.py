"""What a running agreement pays by can be changed: from the next purchase on."""

from datetime import timedelta
from decimal import Decimal

import pytest

from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.config.opaque import id_of
from headend.customers.errors import InvalidAgreement
from headend.customers.models import SupplyAgreement
from headend.customers.services import HIGHEST_CONNECTION_VA, end_agreement, set_terms
from headend.tariffs.errors import NoTariffInForce
from headend.tariffs.examples import EXAMPLES
from headend.tariffs.models import Tariff
from headend.tariffs.rules import flat
from headend.tariffs.services import publish_version
from headend.testing import NOON, make_supply
from headend.vending.services import vend

pytestmark = pytest.mark.django_db


@pytest.fixture
def supply():
    return make_supply()


def publish(code, rules, at=NOON):
    return publish_version(
        code=code, name=code, valid_from=at, rules=rules, by=console_user(), at=NOON
    ).tariff


def change(supply, tariff, connection_va=None, *, by=None):
    return set_terms(
        supply,
        tariff=tariff,
        connection_va=connection_va,
        by=by or console_user(),
        at=NOON,
        reason="new fuse",
    )


def sell(supply, message_id):
    return vend(
        caller="t",
        message_id=message_id,
        meter=supply.meter,
        tender_minor=50_00,
        operator=console_user(),
        at=NOON,
    )


def test_the_next_purchase_is_by_the_new_tariff_and_the_last_stays(supply):
    before = sell(supply, "1")
    dear = publish("dear", flat(price_minor_per_kwh=Decimal(500), tax_percent=Decimal(15)))
    change(supply, dear, 2200)
    after = sell(supply, "2")
    before.refresh_from_db()
    assert (before.tariff_version.tariff.code, after.tariff_version.tariff) == ("test", dear)
    assert before.issued_wh > 1.9 * after.issued_wh
    entry = AuditEntry.objects.get(action="customers.set_terms")
    assert entry.before == {"tariff": "test", "connection_va": None}
    assert entry.after == {"tariff": "dear", "connection_va": 2200}
    change(supply, dear, 2200)
    assert AuditEntry.objects.filter(action="customers.set_terms").count() == 1


def test_a_tariff_that_asks_for_the_connection_needs_it(supply):
    sized = publish("sized", EXAMPLES["connection"][1])
    with pytest.raises(InvalidAgreement, match="asks for the size of the connection"):
        change(supply, sized)
    change(supply, sized, 1300)
    assert sell(supply, "1").tariff_version.tariff == sized


def test_impossible_terms_are_refused(supply):
    tariff = supply.tariff
    for size in (0, -1, HIGHEST_CONNECTION_VA + 1):
        with pytest.raises(InvalidAgreement, match="VA"):
            change(supply, tariff, size)
    later = publish(
        "later",
        flat(price_minor_per_kwh=Decimal(1), tax_percent=Decimal(0)),
        NOON + timedelta(days=1),
    )
    with pytest.raises(NoTariffInForce):
        change(supply, later)
    clerk = create_user(username="clerk", password=None, groups=("cashier",))
    with pytest.raises(NotPermitted):
        change(supply, tariff, by=clerk)
    end_agreement(supply, by=console_user(), at=NOON + timedelta(hours=1), reason="moved")
    with pytest.raises(InvalidAgreement, match="has ended"):
        change(supply, tariff, 100)


def test_the_page_changes_terms(supply, log_in):
    publish("sized", EXAMPLES["connection"][1])
    tariff = Tariff.objects.get(code="sized")
    admin = log_in("utility administrator")
    customer = f"/customers/{id_of(supply.customer)}/"
    page = f"{customer}agreements/{id_of(supply)}/terms/"
    assert page in admin.get(customer).content.decode()
    typed = {"tariff": tariff.pk, "connection_va": "", "reason": "asked for"}
    answer = admin.post(page, typed)
    assert answer.status_code == 422
    assert "asks for the size" in answer.content.decode()
    admin.post(page, typed | {"connection_va": "2200"})
    assert "2200 VA" in admin.get(customer).content.decode()
    kept = SupplyAgreement.objects.get(pk=supply.pk)
    assert (kept.tariff, kept.connection_va) == (tariff, 2200)
    cashier = log_in("cashier")
    assert page not in cashier.get(customer).content.decode()
    assert cashier.get(page).status_code == 403
    end_agreement(supply, by=console_user(), at=NOON + timedelta(hours=1), reason="moved")
    assert admin.get(page).status_code == 404
