"""When each chore was last done, and what came of it."""

from __future__ import annotations

from django.db import models


class ChoreRecord(models.Model):
    """The last time a chore was done."""

    name = models.CharField(max_length=40, unique=True)
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)  # null while it is being done, or was cut off
    told = models.CharField(max_length=500, blank=True)
    is_well = models.BooleanField(default=True)  # False: somebody has to look at it
    failures = models.PositiveSmallIntegerField(default=0)  # tries in a row that did not finish
    asked_at = models.DateTimeField(null=True)  # when somebody wanted it done at once

    class Meta:
        permissions = [("run_chore", "Can have a chore done at once")]

    def __str__(self) -> str:
        return self.name
