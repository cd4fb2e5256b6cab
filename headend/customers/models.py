"""Customers, premises, and which meter serves whom and when."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from headend.meters.models import Meter
from headend.tariffs.models import Tariff


class Customer(models.Model):
    """A person or organisation that buys energy."""

    name = models.CharField(max_length=150)
    phone = models.CharField(max_length=30, blank=True)
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=10, default="en")
    # Their number in the system that customers come from; sheets find them by it.
    external_reference = models.CharField(max_length=60, null=True, blank=True, unique=True)
    created_at = models.DateTimeField()

    class Meta:
        # Indexes for parts of names are PostgreSQL's own: see the migration of the search.
        indexes = [models.Index(fields=["name", "id"], name="customer_by_name")]

    def __str__(self) -> str:
        return self.name


class Premises(models.Model):
    """A place that is supplied."""

    address = models.CharField(max_length=250, db_index=True)

    class Meta:
        verbose_name_plural = "premises"

    def __str__(self) -> str:
        return self.address


class SupplyAgreement(models.Model):
    """A customer takes energy at a premises through a meter, from `started_at` to `ended_at`.

    `meter` is the present one, or the last. Those that it replaced are in `FormerMeter`.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="agreements")
    premises = models.ForeignKey(Premises, on_delete=models.PROTECT, related_name="agreements")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="agreements")
    tariff = models.ForeignKey(Tariff, on_delete=models.PROTECT, related_name="agreements")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    low_credit_threshold_wh = models.PositiveIntegerField(default=5000)
    connection_va = models.PositiveIntegerField(null=True, blank=True)  # some tariffs ask for it

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["meter"], condition=Q(ended_at__isnull=True), name="one_open_agreement"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gt=F("started_at")),
                name="agreement_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} at {self.premises}, meter {self.meter}"


class FormerMeter(models.Model):
    """A meter that served an agreement until another one replaced it; half-open in time."""

    agreement = models.ForeignKey(
        SupplyAgreement, on_delete=models.PROTECT, related_name="former_meters"
    )
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="former_agreements")
    served_from = models.DateTimeField()
    served_until = models.DateTimeField()

    class Meta:
        ordering = ["served_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "served_from"], name="former_meters_follow"
            ),
            models.CheckConstraint(
                condition=Q(served_until__gt=F("served_from")), name="former_meter_served"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.meter} until {self.served_until:%Y-%m-%d}"
