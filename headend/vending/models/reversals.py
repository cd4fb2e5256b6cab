"""Sales that were reversed, or moved to another meter."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from headend.debts.models import Debt
from headend.vending.models.sales import Sale
from headend.vendors.models import Shift, Till


class Reversal(models.Model):
    """A sale that was taken back as if it had never been. The sale itself never changes."""

    class Basis(models.TextChoices):
        """Why its token, if there is one, can never be credited."""

        NO_TOKEN = "no_token", "The sale gave no token"
        NOT_DISCLOSED = "not_disclosed", "Nobody has seen the token"
        PROVED_UNUSED = "proved_unused", "The meter proves that the token was never used"

    sale = models.OneToOneField(Sale, on_delete=models.PROTECT, related_name="reversal")
    caller = models.CharField(max_length=64)  # who names the message, as of a sale
    message_id = models.CharField(max_length=64)
    basis = models.CharField(max_length=14, choices=Basis.choices)
    evidence = models.JSONField(default=dict)  # what the meter told, if it proves anything
    reason = models.CharField(max_length=200)
    reversed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    reversed_at = models.DateTimeField(db_index=True)
    # Where the money was handed back: None at the utility's own tills.
    till = models.ForeignKey(Till, null=True, on_delete=models.PROTECT, related_name="+")
    shift = models.ForeignKey(Shift, null=True, on_delete=models.PROTECT, related_name="reversals")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["caller", "message_id"], name="reversal_message_once"),
        ]
        permissions = [("reverse", "Can reverse a sale")]

    def __str__(self) -> str:
        return f"reversal of {self.sale}"


class Reallocation(models.Model):
    """The value of a sale to the wrong meter, sold again to the right one by two people."""

    class Bearer(models.TextChoices):
        """Who carries what the first sale gave away."""

        NOBODY = "nobody", "Nobody: the first sale is reversed"
        CUSTOMER = "customer", "The customer of the first meter, as a debt"
        UTILITY = "utility", "The utility, as a loss"

    sale = models.OneToOneField(Sale, on_delete=models.PROTECT, related_name="reallocation")
    new_sale = models.OneToOneField(
        Sale, on_delete=models.PROTECT, related_name="reallocated_from"
    )
    bearer = models.CharField(max_length=10, choices=Bearer.choices)
    debt = models.ForeignKey(Debt, null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    reallocated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(requested_by=models.F("approved_by")),
                name="reallocation_by_two_people",
            ),
            models.CheckConstraint(
                condition=models.Q(bearer="customer", debt__isnull=False)
                | (~models.Q(bearer="customer") & models.Q(debt__isnull=True)),
                name="reallocation_debt_of_customer",
            ),
        ]
        permissions = [
            ("reallocate", "Can ask for a sale to be moved to another meter"),
            ("approve_reallocation", "Can approve that a sale is moved to another meter"),
        ]

    def __str__(self) -> str:
        return f"{self.sale} moved to {self.new_sale}"
