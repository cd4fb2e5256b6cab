"""What customers owe besides energy, and the share of a purchase kept for energy.

Every movement of a debt is an entry of the ledger, on an account of the debt's own. The balance
here is that account's, kept so that a sale finds what is open quickly; the nightly check proves
that it is.
"""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from headend.customers.models import Customer, Premises
from headend.design import figures
from headend.ledger import chart


class Debt(models.Model):
    """Money owed by a customer wherever they live, or on a premises whoever lives there."""

    class Method(models.TextChoices):
        """How it is recovered; the names are those of `allocation.METHODS`."""

        PERCENT = "percent", "Percent of each purchase"
        PERCENT_OWED = "percent_owed", "Percent of what is owed, each purchase"
        PER_PURCHASE = "per_purchase", "Fixed amount per purchase"
        PER_MONTH = "per_month", "Fixed amount per month"
        INSTALMENTS = "instalments", "Monthly instalments without interest"

    customer = models.ForeignKey(
        Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="debts"
    )
    premises = models.ForeignKey(
        Premises, null=True, blank=True, on_delete=models.PROTECT, related_name="debts"
    )
    title = models.CharField(max_length=60)  # as receipts print it
    external_reference = models.CharField(max_length=60, null=True, blank=True, unique=True)
    currency = models.CharField(max_length=3)
    principal_minor = models.BigIntegerField()  # owed when it was opened
    balance_minor = models.BigIntegerField()  # owed now, as the ledger says
    priority = models.PositiveSmallIntegerField(default=1)  # 1 is recovered first
    method = models.CharField(max_length=12, choices=Method.choices)
    percent = models.DecimalField(max_digits=7, decimal_places=4, default=0)
    later_percent = models.DecimalField(max_digits=7, decimal_places=4, default=0)
    later_from = models.DateField(null=True, blank=True)  # a local day; instead of `percent`
    amount_minor = models.BigIntegerField(default=0)
    instalments = models.PositiveSmallIntegerField(default=1)
    first_due = models.DateField(null=True, blank=True)  # of the instalments, a local day
    plan_minor = models.BigIntegerField()  # what the instalments add up to
    cap_per_purchase_minor = models.BigIntegerField(null=True, blank=True)
    cap_per_month_minor = models.BigIntegerField(null=True, blank=True)
    blocked_from = models.DateField(null=True, blank=True)  # a local day; nothing is sold then
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(customer__isnull=True) ^ Q(premises__isnull=True),
                name="debt_of_a_customer_or_a_premises",
            ),
            models.CheckConstraint(condition=Q(balance_minor__gte=0), name="debt_not_negative"),
            models.CheckConstraint(
                condition=Q(
                    percent__gte=0, percent__lte=100, later_percent__gte=0, later_percent__lte=100
                ),
                name="debt_percent",
            ),
            models.CheckConstraint(
                condition=Q(priority__gte=1, instalments__gte=1, amount_minor__gte=0),
                name="debt_terms",
            ),
        ]
        indexes = [
            models.Index(
                fields=["customer"], condition=Q(balance_minor__gt=0), name="debt_open_of_customer"
            ),
            models.Index(
                fields=["premises"], condition=Q(balance_minor__gt=0), name="debt_open_of_premises"
            ),
        ]
        permissions = [
            ("write_off", "Can ask for a debt to be written off"),
            ("approve_write_off", "Can approve that a debt is written off"),
            ("adjust", "Can ask for a debt to be adjusted"),
            ("approve_adjustment", "Can approve the adjustment of a debt"),
        ]

    def __str__(self) -> str:
        return f"{self.title} of {self.owner}"

    @property
    def owner(self) -> Customer | Premises | None:
        """Who or what the debt is attached to."""
        return self.customer or self.premises

    @property
    def recovery(self) -> str:
        """How it is recovered, in words."""
        amount = self._money(self.amount_minor)
        rates = {
            self.Method.PERCENT: f"{self._percent(self.percent)} of each purchase",
            self.Method.PERCENT_OWED: (
                f"{self._percent(self.percent)} of what is owed, each purchase"
            ),
            self.Method.PER_PURCHASE: f"{amount} per purchase",
            self.Method.PER_MONTH: f"{amount} per month",
            self.Method.INSTALMENTS: (
                f"{self.instalments} monthly instalments from {self.first_due}"
            ),
        }
        words = [rates[self.Method(self.method)]]
        if self.later_from is not None:
            words.append(f"{self._percent(self.later_percent)} from {self.later_from} on")
        if self.cap_per_purchase_minor is not None:
            words.append(f"at most {self._money(self.cap_per_purchase_minor)} per purchase")
        if self.cap_per_month_minor is not None:
            words.append(f"at most {self._money(self.cap_per_month_minor)} per month")
        if self.blocked_from is not None:
            words.append(f"nothing is sold from {self.blocked_from} on before it is paid")
        return ", ".join(words)

    @staticmethod
    def _percent(share: Decimal) -> str:
        return f"{share.normalize():f} %"

    def _money(self, amount_minor: int) -> str:
        digits = settings.BASE_CURRENCY_MINOR_DIGITS
        return figures.money(amount_minor, currency=self.currency, digits=digits)

    @property
    def account(self) -> str:
        """The code of its account in the ledger."""
        return chart.debt_account(self.pk)


class EnergyFloor(models.Model):
    """Smallest share of a purchase that debts must leave for energy, from an instant on."""

    percent = models.DecimalField(max_digits=5, decimal_places=2)
    valid_from = models.DateTimeField(db_index=True)
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__gte=0, percent__lte=100), name="energy_floor_percent"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.percent} % from {self.valid_from:%Y-%m-%d %H:%M}"
