"""Creates tariffs and publishes their versions."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.tariffs.errors import InvalidTariff
from headend.tariffs.models import Tariff, TariffVersion


@transaction.atomic
def publish_version(
    *,
    code: str,
    name: str,
    valid_from: datetime,
    price_minor_per_kwh: Decimal,
    tax_percent: Decimal,
    by: User,
    at: datetime,
    tax_name: str = "VAT",
    energy_step_wh: int = 100,
) -> TariffVersion:
    """Add a version to a tariff, creating the tariff with its first one.

    Args:
        code: the tariff's code.
        name: the tariff's name, used if it is new.
        valid_from: the version holds from here until the next one begins.
        price_minor_per_kwh: minor currency units per kWh without tax, > 0.
        tax_percent: 0..100.
        by: who publishes; needs tariffs.publish_tariff.
        at: now.
        tax_name: as receipts print it.
        energy_step_wh: issued energy is rounded down to a multiple of this.

    Raises:
        InvalidTariff: impossible values, or a version begins at that instant already.
    """
    require(by, "tariffs.publish_tariff")
    tariff, _ = Tariff.objects.get_or_create(code=code, defaults={"name": name})
    version = TariffVersion(
        tariff=tariff,
        valid_from=valid_from,
        currency=settings.BASE_CURRENCY,
        price_minor_per_kwh=price_minor_per_kwh,
        tax_name=tax_name,
        tax_percent=tax_percent,
        energy_step_wh=energy_step_wh,
    )
    try:
        version.full_clean()
    except ValidationError as error:
        raise InvalidTariff(f"tariff {code}: {' '.join(error.messages)}") from None
    version.save(force_insert=True)
    audit.record(
        actor=by,
        action="tariffs.publish",
        target=version,
        at=at,
        after={
            "valid_from": valid_from,
            "price_minor_per_kwh": price_minor_per_kwh,
            "tax_percent": tax_percent,
            "energy_step_wh": energy_step_wh,
        },
    )
    return version
