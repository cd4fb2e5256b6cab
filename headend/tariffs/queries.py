"""Finds what a tariff says."""

from __future__ import annotations

from datetime import datetime

from headend.tariffs.errors import NoTariffInForce
from headend.tariffs.models import TariffVersion
from headend.tariffs.rules import TariffRules, flat


def version_in_force(tariff_id: int, *, at: datetime) -> TariffVersion:
    """Return the version of a tariff that holds at an instant.

    Raises:
        NoTariffInForce: the tariff's first version begins later.
    """
    version = (
        TariffVersion.objects.filter(tariff_id=tariff_id, valid_from__lte=at)
        .select_related("tariff")
        .order_by("-valid_from")
        .first()
    )
    if version is None:
        raise NoTariffInForce(
            f"the tariff of this agreement has no version at {at:%Y-%m-%d %H:%M}; publish one"
        )
    return version


def rules_of(version: TariffVersion) -> TariffRules:
    """Return a stored version as the price calculation wants it."""
    return flat(
        price_minor_per_kwh=version.price_minor_per_kwh,
        tax_percent=version.tax_percent,
        tax_name=version.tax_name,
        energy_step_wh=version.energy_step_wh,
    )
