"""The people and programs that use the head-end."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q


class User(AbstractUser):
    """Somebody who may log in, or a program that acts under its own name.

    What a user may do comes from groups; see `headend.accounts.groups`.
    """

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Approval(models.Model):
    """One act that waits for a second person, or waited for one.

    What was asked for can't be changed afterwards: the database refuses it, and it refuses an
    approval by the person who asked.
    """

    OPEN, APPROVED, REFUSED, WITHDRAWN = "open", "approved", "refused", "withdrawn"

    act = models.CharField(max_length=60)  # "debts.write_off"
    arguments = models.JSONField(encoder=DjangoJSONEncoder)
    summary = models.CharField(max_length=300)
    reason = models.CharField(max_length=500)
    state = models.CharField(max_length=10, default=OPEN)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=500, blank=True)
    target_type = models.CharField(max_length=60, blank=True)  # what the act made or changed
    target_id = models.CharField(max_length=64, blank=True)
    target_label = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", decided_by=None, decided_at=None)
                | Q(
                    state__in=("approved", "refused", "withdrawn"),
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                ),
                name="approval_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("approved", "refused"), decided_by=F("requested_by")),
                name="approval_by_a_second_person",
            ),
        ]
        indexes = [models.Index(fields=["state", "requested_at"], name="approval_inbox")]

    def __str__(self) -> str:
        return self.summary
