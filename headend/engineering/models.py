"""Orders of engineering tokens. The digits are stored with all other tokens in vending."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q

from headend.vending.models import IssuedToken


class EngineeringToken(models.Model):
    """Why a token that is no sale was made, with which values, and who approved it."""

    token = models.OneToOneField(IssuedToken, on_delete=models.PROTECT, related_name="engineering")
    kind = models.CharField(max_length=20)  # a slug of `kinds.KINDS`, or "replacement"
    values = models.JSONField(encoder=DjangoJSONEncoder)
    reason = models.CharField(max_length=300)
    ordered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    # The credit that is made again under the key the meter still has.
    replaces = models.OneToOneField(
        IssuedToken, null=True, on_delete=models.PROTECT, related_name="replaced_by"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("ordered_by")),
                name="engineering_token_by_two_people",
            ),
        ]
        default_permissions = ("view",)
        permissions = [
            ("issue_meter_test", "Can issue tests and displays"),
            ("issue_power_limit", "Can issue maximum power limits"),
            ("issue_clear_credit", "Can issue tokens that clear credit"),
            ("issue_tariff_rate", "Can issue tariff rates"),
            ("issue_clear_tamper", "Can issue tokens that clear tamper"),
            ("issue_unbalance_limit", "Can issue phase unbalance limits"),
            ("issue_water_factor", "Can issue water meter factors"),
            ("issue_extended_set", "Can issue tokens of the extended set"),
            ("issue_key_change", "Can change a meter's key"),
            ("issue_replacement", "Can issue credit again under a meter's earlier key"),
            ("approve_engineering_token", "Can approve tokens that others ask for"),
            ("approve_key_change", "Can approve changes of a meter's key"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for meter {self.token.meter}"
