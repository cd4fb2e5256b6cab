"""Tariffs as dated, immutable versions."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q


class Tariff(models.Model):
    """A price list that supply agreements refer to; what it says is in its versions."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.name


class TariffVersion(models.Model):
    """What a tariff says from an instant until its next version. Never changed once written.

    Versions hold only when they begin, so two can't overlap and there is no gap between them.
    """

    tariff = models.ForeignKey(Tariff, on_delete=models.PROTECT, related_name="versions")
    valid_from = models.DateTimeField()
    currency = models.CharField(max_length=3)
    price_minor_per_kwh = models.DecimalField(
        max_digits=14, decimal_places=6, validators=[MinValueValidator(0)]
    )  # without tax
    tax_name = models.CharField(max_length=20, default="VAT")
    tax_percent = models.DecimalField(max_digits=7, decimal_places=4, default=0)
    energy_step_wh = models.PositiveIntegerField(default=100)  # issued energy is rounded down to

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tariff", "valid_from"], name="tariff_version_once"),
            models.CheckConstraint(
                condition=Q(price_minor_per_kwh__gt=0), name="tariff_version_price"
            ),
            models.CheckConstraint(
                condition=Q(tax_percent__gte=0, tax_percent__lte=100), name="tariff_version_tax"
            ),
            models.CheckConstraint(
                condition=Q(energy_step_wh__gte=1), name="tariff_version_energy_step"
            ),
        ]
        permissions = [("publish_tariff", "Can publish a tariff version")]

    def __str__(self) -> str:
        return f"{self.tariff.name} from {self.valid_from:%Y-%m-%d}"
