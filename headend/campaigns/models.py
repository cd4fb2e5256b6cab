"""A key campaign and its meters. A meter's progress is stored in its key change only."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from headend.meters.models import KeyChange, Meter


class Campaign(models.Model):
    """One change of key for many meters."""

    class State(models.TextChoices):
        """Where the campaign is."""

        DRAFT = "draft", "draft"
        RUNNING = "running", "running"
        PAUSED = "paused", "paused"
        STOPPED = "stopped", "stopped"
        FINISHED = "finished", "finished"

    name = models.CharField(max_length=60, unique=True)
    changes = models.JSONField()  # new values of sgc, kt, krn, ti or base_date
    selection = models.JSONField()  # as `selection.Selection`
    pre_code = models.BooleanField(default=True)  # tokens ahead, or when they are due
    push = models.BooleanField(default=True)  # also to meters online
    reason = models.CharField(max_length=300)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    enrolled_up_to = models.BigIntegerField(default=0)  # how far the selection was gone through
    is_enrolled = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        permissions = [
            ("run_campaign", "Can plan, start, pause and stop key campaigns"),
            ("approve_campaign", "Can approve the start of key campaigns"),
        ]

    def __str__(self) -> str:
        return self.name


class CampaignMeter(models.Model):
    """A meter of a campaign: its key change, or why it has none."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="rows")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="campaign_rows")
    key_change = models.ForeignKey(
        KeyChange, null=True, on_delete=models.PROTECT, related_name="campaign_rows"
    )
    failure = models.CharField(max_length=60, blank=True)  # code of a refusal
    explanation = models.CharField(max_length=300, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["campaign", "meter"], name="campaign_meter_once"),
        ]
        indexes = [
            models.Index(
                fields=["campaign", "id"],
                condition=Q(key_change=None, failure=""),
                name="campaign_pending",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.meter} in {self.campaign}"
