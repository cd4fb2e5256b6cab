"""The meter register: identity, STS key attributes, token identifiers issued, life cycle."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q


class Meter(models.Model):
    """One meter. Its PAN is its identity, its DRN the number on the label."""

    class Status(models.TextChoices):
        """Where the meter is in its life."""

        STOCK = "stock"
        INSTALLED = "installed"
        REMOVED = "removed"
        SCRAPPED = "scrapped"

    class PaymentMode(models.TextChoices):
        """How the energy is paid."""

        PREPAYMENT = "prepayment"
        POSTPAYMENT = "postpayment"

    unit_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    drn = models.CharField("meter number", max_length=13, unique=True)
    pan = models.CharField("meter PAN", max_length=18, unique=True)
    ea = models.PositiveSmallIntegerField("encryption algorithm", default=7)
    dkga = models.PositiveSmallIntegerField("decoder key generation algorithm", default=4)
    sgc = models.CharField("supply group code", max_length=6)
    kt = models.PositiveSmallIntegerField("key type", default=2)
    krn = models.PositiveSmallIntegerField("key revision number", default=1)
    ti = models.PositiveSmallIntegerField("tariff index", default=1)
    ken = models.PositiveSmallIntegerField("key expiry number", default=255)
    base_date = models.PositiveSmallIntegerField(default=2014)
    tct = models.PositiveSmallIntegerField("token carrier", default=2)
    # Highest token identifier ever issued to the meter; new ones are above it.
    last_tid = models.PositiveIntegerField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.STOCK)
    # What the utility wants; what the meter does is in fleet.MeterState.
    intended_payment_mode = models.CharField(
        max_length=12, choices=PaymentMode.choices, default=PaymentMode.PREPAYMENT
    )
    link_generation = models.PositiveSmallIntegerField(default=1)
    registered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ea__in=(7, 11)), name="meter_ea"),
            models.CheckConstraint(condition=Q(dkga__in=(2, 4)), name="meter_dkga"),
            models.CheckConstraint(condition=Q(ea=7) | Q(dkga=4), name="meter_ea11_needs_dkga04"),
            models.CheckConstraint(
                condition=Q(kt__lte=3, krn__gte=1, krn__lte=9, ti__lte=99, ken__lte=255),
                name="meter_key_attributes",
            ),
            models.CheckConstraint(
                condition=Q(base_date__in=(1993, 2014, 2035)), name="meter_base_date"
            ),
            models.CheckConstraint(
                condition=Q(last_tid__isnull=True) | Q(last_tid__lt=1 << 24), name="meter_last_tid"
            ),
        ]
        permissions = [("provision_meter", "Can provision a meter")]

    def __str__(self) -> str:
        return self.drn
