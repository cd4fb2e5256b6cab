"""Tariffs of one price become documents and back again, and stay closed to changes."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from headend.tariffs import document
from headend.tariffs.rules import flat

_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_BEFORE = [("tariffs", "0002_triggers")]
_AFTER = [("tariffs", "0005_only_rules")]


def migrate(targets):
    executor = MigrationExecutor(connection)
    return executor.migrate(targets).apps.get_model("tariffs", "TariffVersion"), (
        executor.loader.project_state(targets).apps.get_model("tariffs", "Tariff")
    )


@pytest.mark.django_db(transaction=True)
def test_prices_become_rules_and_back():
    everything = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        versions, tariffs = migrate(_BEFORE)
        for code, tax in (("taxed", "15"), ("free-of-tax", "0")):
            versions.objects.create(
                tariff_id=tariffs.objects.create(code=code, name=code).pk,
                valid_from=_BEGAN,
                currency="ZAR",
                price_minor_per_kwh=Decimal("195.65"),
                tax_percent=Decimal(tax),
                tax_name="GST",
                energy_step_wh=10,
            )
        versions, _ = migrate(_AFTER)
        for version, tax in zip(versions.objects.order_by("pk"), ("15", "0"), strict=True):
            assert document.read(version.rules) == flat(
                price_minor_per_kwh=Decimal("195.65"),
                tax_percent=Decimal(tax),
                tax_name="GST",
                energy_step_wh=10,
            )
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            versions.objects.update(currency="USD")
        versions, _ = migrate(_BEFORE)
        assert list(
            versions.objects.order_by("pk").values_list(
                "price_minor_per_kwh", "tax_percent", "energy_step_wh"
            )
        ) == [(Decimal("195.65"), Decimal(15), 10), (Decimal("195.65"), Decimal(0), 10)]
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            versions.objects.update(currency="USD")
    finally:
        MigrationExecutor(connection).migrate(everything)
