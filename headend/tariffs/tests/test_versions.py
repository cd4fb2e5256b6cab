"""Dated, immutable tariff versions."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.tariffs.errors import InvalidTariff, NoTariffInForce
from headend.tariffs.models import TariffVersion
from headend.tariffs.queries import version_in_force
from headend.tariffs.rules import flat
from headend.tariffs.services import publish_version
from headend.testing import NOON

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def publish(valid_from=NOON, price="250", tax="15", by=None):
    return publish_version(
        code="flat",
        name="Flat",
        valid_from=valid_from,
        rules=flat(price_minor_per_kwh=Decimal(price), tax_percent=Decimal(tax)),
        by=by or console_user(),
        at=NOON,
    )


def test_each_instant_has_the_latest_version_begun():
    first, second = publish(NOON), publish(NOON + DAY, price="275")
    tariff_id = first.tariff_id
    assert version_in_force(tariff_id, at=NOON) == first
    assert version_in_force(tariff_id, at=NOON + DAY - timedelta(microseconds=1)) == first
    assert version_in_force(tariff_id, at=NOON + DAY) == second
    with pytest.raises(NoTariffInForce):
        version_in_force(tariff_id, at=NOON - timedelta(microseconds=1))


def test_two_versions_cannot_begin_at_once():
    publish()
    with pytest.raises(InvalidTariff, match="another version of flat begins at 2026-11-21 14:00"):
        publish(price="300")


@pytest.mark.parametrize(
    ("price", "tax"), [("0", "15"), ("-1", "15"), ("250", "-1"), ("250", "1001")]
)
def test_impossible_versions_are_refused(price, tax):
    with pytest.raises(InvalidTariff):
        publish(price=price, tax=tax)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite has INSERT OR REPLACE")
@pytest.mark.parametrize("columns", ["id, tariff_id, valid_from", "tariff_id, valid_from"])
def test_a_version_is_not_replaced_by_another(columns):
    version = publish()
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            f"INSERT OR REPLACE INTO tariffs_tariffversion ({columns}, currency, rules) "
            f"SELECT {columns}, currency, '[]' FROM tariffs_tariffversion"
        )
    version.refresh_from_db()
    assert version.rules


def test_a_version_never_changes():
    version = publish()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        TariffVersion.objects.filter(pk=version.pk).update(rules={})
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        version.delete()


def test_publishing_needs_permission_and_is_audited():
    cashier = create_user(username="c", password=None, groups=("cashier",))
    with pytest.raises(NotPermitted):
        publish(by=cashier)
    assert not AuditEntry.objects.exists()
    version = publish()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_id) == ("tariffs.publish", str(version.pk))
