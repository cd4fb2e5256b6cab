"""The meter register: identity, STS key attributes, token identifiers issued, life cycle."""

from __future__ import annotations

import uuid

from django.conf import settings
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
    # Of the message root that was written into it at provisioning: a key change leaves that.
    link_sgc = models.CharField(max_length=6, blank=True, default="", db_default="")
    link_generation = models.PositiveSmallIntegerField(default=1)
    # A key change waits to be handed out with a purchase, or to be entered.
    has_key_change_due = models.BooleanField(default=False, db_default=False)
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


class KeyChange(models.Model):
    """A meter's way from one decoder key to another; both sets of key attributes are kept.

    Until it is issued the meter is vended for under its old key, from then on under its new one.
    """

    class State(models.TextChoices):
        """How far it has come."""

        PREPARED = "prepared", "prepared, nobody has its tokens yet"
        ISSUED = "issued", "tokens handed out or sent, not known to be entered"
        ENTERED = "entered", "the meter has its new key"
        WITHDRAWN = "withdrawn", "taken back, the meter keeps its old key"

    class Evidence(models.TextChoices):
        """By what it is known that the tokens were entered."""

        METER = "meter", "the meter reported its new key"
        PURCHASES = "purchases", "so many purchases since, all under the new key"
        PERSON = "person", "a person said so"

    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="key_changes")
    # sgc, kt, krn, ti, ken, base_date
    before = models.JSONField()
    after = models.JSONField()
    token_count = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PREPARED)
    reason = models.CharField(max_length=300)
    prepared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    prepared_at = models.DateTimeField()
    previous_last_tid = models.PositiveIntegerField(null=True)  # under the old key, when issued
    issued_at = models.DateTimeField(null=True)
    pushed_at = models.DateTimeField(null=True)  # sent to the meter
    hand_outs = models.PositiveSmallIntegerField(default=0)  # purchases that gave the tokens out
    ended_at = models.DateTimeField(null=True)  # entered or withdrawn
    evidence = models.CharField(max_length=10, choices=Evidence.choices, blank=True)

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["meter"],
                condition=Q(state__in=("prepared", "issued")),
                name="one_key_change_under_way",
            ),
        ]

    def __str__(self) -> str:
        return f"key change of meter {self.meter}"

    @property
    def is_roll_over(self) -> bool:
        """Whether the base date becomes a later one, so that the meter forgets identifiers."""
        return bool(self.after["base_date"] > self.before["base_date"])
