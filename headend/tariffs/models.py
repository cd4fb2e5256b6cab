"""Tariffs as dated, immutable versions, and the drafts that become versions."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Tariff(models.Model):
    """A price list that supply agreements refer to; what it says is in its versions."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.name


class TariffVersion(models.Model):
    """What a tariff says from an instant until its next version. Never changed once written.

    Versions hold only when they begin: from `valid_from`, included, until the next one begins. So
    with one version for each beginning two can't overlap, and there is no gap between them.
    """

    tariff = models.ForeignKey(Tariff, on_delete=models.PROTECT, related_name="versions")
    valid_from = models.DateTimeField()
    currency = models.CharField(max_length=3)
    rules = models.JSONField()  # as `document.write` writes them
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tariff", "valid_from"], name="tariff_version_once"),
        ]
        permissions = [("publish_tariff", "Can publish a tariff version")]

    def __str__(self) -> str:
        return f"{self.tariff.name} from {self.valid_from:%Y-%m-%d}"


class TariffDraft(models.Model):
    """A version in the making: changed freely until it is handed in for approval."""

    class State(models.TextChoices):
        """How far it has come."""

        DRAFT = "draft"
        SUBMITTED = "submitted"  # waits for a second person
        APPROVED = "approved"  # has become a version
        DISCARDED = "discarded"

    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=120)
    valid_from = models.DateTimeField(null=True)
    rules = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    version = models.OneToOneField(
        TariffVersion, null=True, on_delete=models.PROTECT, related_name="draft"
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="approved", version__isnull=False)
                | (~models.Q(state="approved") & models.Q(version__isnull=True)),
                name="tariff_draft_version",
            ),
        ]
        permissions = [("approve_tariff", "Can approve a tariff version of somebody else")]

    def __str__(self) -> str:
        return f"{self.name} (draft)"
