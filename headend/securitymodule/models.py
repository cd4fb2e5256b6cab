"""Keys of the security module, sealed. Clear keys exist only inside its functions."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

_CLOCK_STEP = timedelta(days=1)  # further, no clock is set back that was right before


class VendingKey(models.Model):
    """A vending key from which the decoder keys of a supply group are derived."""

    sgc = models.CharField("supply group code", max_length=6)
    kt = models.PositiveSmallIntegerField("key type")
    krn = models.PositiveSmallIntegerField("key revision number")
    base_date = models.PositiveSmallIntegerField()
    ken = models.PositiveSmallIntegerField("key expiry number", default=255)
    dkga = models.PositiveSmallIntegerField("decoder key generation algorithm")
    store = models.CharField(max_length=20, default="software")  # see keystores.py
    sealed_key = models.BinaryField()  # by the software vault; or how the module finds the key
    is_test = models.BooleanField(default=False)  # published: refused outside demonstration
    active_from = models.DateTimeField()
    active_until = models.DateTimeField(null=True, blank=True)
    # When its use was refused last because it was over: that stays so if the clock is set back.
    seen_over_at = models.DateTimeField(null=True, blank=True)
    credit_ceiling_kwh = models.PositiveBigIntegerField(null=True, blank=True)  # None: no ceiling

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["sgc", "kt", "krn", "base_date", "dkga"], name="vending_key_once"
            ),
            models.CheckConstraint(
                condition=Q(kt__gte=1, kt__lte=3, krn__gte=1, krn__lte=9, ken__lte=255),
                name="vending_key_attributes",
            ),
            models.CheckConstraint(
                condition=Q(base_date__in=(1993, 2014, 2035)), name="vending_key_base_date"
            ),
            models.CheckConstraint(condition=Q(dkga__in=(2, 4)), name="vending_key_algorithm"),
        ]
        permissions = [
            ("load_keys", "Can load keys into the security module"),
            ("approve_load_keys", "Can be the second person of a key ceremony"),
        ]

    def __str__(self) -> str:
        mark = " (TEST)" if self.is_test else ""
        return f"SGC {self.sgc} KT {self.kt} KRN {self.krn} base {self.base_date}{mark}"

    def is_over(self, at: datetime) -> bool:
        """Say whether the key may be used no more at an instant.

        One whose use was refused because it was over stays so when the clock is set back, unless
        that is by more than a day: such a clock had run ahead, and the key was not over.
        """
        if self.active_until is None or at >= self.active_until:
            return self.active_until is not None
        return self.seen_over_at is not None and at < self.seen_over_at <= at + _CLOCK_STEP


class KeyAllowance(models.Model):
    """A share of what is left of a key's credit ceiling.

    Several shares per key, so that sales of one supply group do not queue for one row.
    """

    key = models.ForeignKey(VendingKey, on_delete=models.CASCADE, related_name="allowances")
    share = models.PositiveSmallIntegerField()
    units_left = models.BigIntegerField()  # of 0.1 kWh

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["key", "share"], name="key_allowance_once"),
            models.CheckConstraint(condition=Q(units_left__gte=0), name="key_allowance_left"),
        ]

    def __str__(self) -> str:
        return f"share {self.share} of {self.key}: {self.units_left} units left"


class LinkRoot(models.Model):
    """The secret of a supply group from which its meters' message keys are derived."""

    sgc = models.CharField("supply group code", max_length=6)
    generation = models.PositiveSmallIntegerField()
    sealed_key = models.BinaryField()
    is_test = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sgc", "generation"], name="link_root_once"),
        ]

    def __str__(self) -> str:
        return f"message root of SGC {self.sgc}, generation {self.generation}"
