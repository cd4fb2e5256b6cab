"""The outbox: rows are written in the event's own transaction and removed once passed on."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


class Announcement(models.Model):
    """Something that happened; whoever passes it on removes the row in the same transaction."""

    happening = models.CharField(max_length=40)  # "fleet.command_finished"
    object_id = models.BigIntegerField()  # of what it happened to
    facts = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.happening} {self.object_id}"
