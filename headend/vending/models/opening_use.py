"""Energy that was issued before an installed base was taken over."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from headend.customers.models import SupplyAgreement


class OpeningUse(models.Model):
    """Energy that another system issued before an agreement was taken over from it.

    It counts in the steps as if it had been issued here at `as_of`, and leaves word to the first
    sale as a sale would (`history.Circumstances.state_after`): up to when fees were charged.
    """

    agreement = models.OneToOneField(
        SupplyAgreement, on_delete=models.PROTECT, related_name="opening_use"
    )
    as_of = models.DateTimeField()
    issued_wh = models.PositiveBigIntegerField()
    state = models.JSONField(default=dict)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.agreement}: {self.issued_wh} Wh before {self.as_of:%Y-%m-%d}"
