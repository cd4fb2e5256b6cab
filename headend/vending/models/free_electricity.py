"""Free electricity: programmes, enrolments and what was given."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from headend.customers.models import Customer, Premises, SupplyAgreement
from headend.vending.models.tokens import IssuedToken


class FreeProgramme(models.Model):
    """Electricity given free each month to enrolled customers; its amounts say how much."""

    code = models.CharField(max_length=30, unique=True)
    title = models.CharField(max_length=60)  # of its tokens, as receipts print it

    class Meta:
        permissions = [
            ("register_free_programme", "Can ask for a free electricity programme or amount"),
            ("approve_free_programme", "Can approve a free electricity programme or amount"),
        ]

    def __str__(self) -> str:
        return self.title


class FreeAmount(models.Model):
    """What a programme gives from a month on, until the next amount; nothing ends it."""

    programme = models.ForeignKey(FreeProgramme, on_delete=models.PROTECT, related_name="amounts")
    from_month = models.DateField()  # its first day, in the utility's time zone
    energy_wh = models.PositiveIntegerField()
    registered_at = models.DateTimeField()
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["programme", "from_month"]
        constraints = [
            models.UniqueConstraint(fields=["programme", "from_month"], name="free_amount_once"),
        ]

    def __str__(self) -> str:
        return f"{self.programme}: {self.energy_wh} Wh from {self.from_month:%Y-%m}"


class FreeEnrolment(models.Model):
    """A customer at a premises takes part in a programme, whatever meter stands there."""

    programme = models.ForeignKey(
        FreeProgramme, on_delete=models.PROTECT, related_name="enrolments"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="free_enrolments", db_index=False
    )
    premises = models.ForeignKey(
        Premises, on_delete=models.PROTECT, related_name="free_enrolments"
    )
    from_month = models.DateField()  # first days of months
    until_month = models.DateField(null=True, blank=True)  # the first one without
    enrolled_at = models.DateTimeField()
    enrolled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "premises"],
                condition=models.Q(until_month__isnull=True),
                name="one_open_free_enrolment",
            ),
            models.CheckConstraint(
                condition=models.Q(until_month__isnull=True)
                | models.Q(until_month__gte=models.F("from_month")),
                name="free_enrolment_ends_after_start",
            ),
        ]
        indexes = [models.Index(fields=["customer", "premises"], name="free_enrolment_of")]

    def __str__(self) -> str:
        return f"{self.customer} at {self.premises}: {self.programme}"


class FreeGrant(models.Model):
    """A month's free electricity as it was given. Counts in the steps from `granted_at` on.

    Once a month for a customer and once for a premises: neither a new meter nor a move within
    the month gives it twice.
    """

    enrolment = models.ForeignKey(FreeEnrolment, on_delete=models.PROTECT, related_name="grants")
    agreement = models.ForeignKey(
        SupplyAgreement, on_delete=models.PROTECT, related_name="free_grants"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    premises = models.ForeignKey(
        Premises, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    month = models.DateField()  # its first day, in the utility's time zone
    energy_wh = models.PositiveIntegerField()  # what the token carries
    # With a purchase, the token is one of its sale's and its receipt's; on request it has none.
    token = models.OneToOneField(IssuedToken, on_delete=models.PROTECT, related_name="free_grant")
    granted_at = models.DateTimeField()
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "month"], name="free_once_a_customer"),
            models.UniqueConstraint(fields=["premises", "month"], name="free_once_a_premises"),
        ]
        permissions = [("grant_free_electricity", "Can give a month's free electricity")]

    def __str__(self) -> str:
        return f"{self.enrolment.programme} {self.month:%Y-%m}"
