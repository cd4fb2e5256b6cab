"""The foreign currencies that customers may pay in, and their dated rates."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from headend.config.exact import Fraction
from headend.ledger.models import BankPayment

RATE_DIGITS, RATE_DECIMALS = 18, 8


class Currency(models.Model):
    """A currency besides the base one; its decimals are those of ISO 4217."""

    code = models.CharField(max_length=3, unique=True)
    is_accepted = models.BooleanField(default=True)
    # How long after its beginning a rate may be used; null: until the next one begins.
    rate_holds_hours = models.PositiveIntegerField(null=True)

    class Meta:
        verbose_name_plural = "currencies"
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(rate_holds_hours=None) | Q(rate_holds_hours__gt=0),
                name="currency_rate_holds_some_time",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Rate(models.Model):
    """What a currency is worth from an instant until its next rate. Never changed once written.

    `units` of the currency are worth `base_units` of the base currency: "1 USD = 18.25 ZAR", or
    the other way round "26.8 ZWG = 1 USD", whichever is the figure that people quote. Rates hold
    only when they begin, so that two can't overlap.
    """

    currency = models.ForeignKey(
        Currency, to_field="code", on_delete=models.PROTECT, related_name="rates"
    )
    units = models.DecimalField(max_digits=RATE_DIGITS, decimal_places=RATE_DECIMALS)
    base_currency = models.CharField(max_length=3)
    base_units = models.DecimalField(max_digits=RATE_DIGITS, decimal_places=RATE_DECIMALS)
    valid_from = models.DateTimeField()
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["currency", "valid_from"], name="rate_once"),
            models.CheckConstraint(
                condition=Q(units__gt=0, base_units__gt=0), name="rate_above_nothing"
            ),
            models.CheckConstraint(
                condition=~Q(proposed_by=models.F("approved_by")), name="rate_by_two_people"
            ),
        ]
        permissions = [
            ("propose_rate", "Can ask for an exchange rate"),
            ("approve_rate", "Can approve an exchange rate"),
        ]

    def __str__(self) -> str:
        return self.words

    @property
    def words(self) -> str:
        """The rate as people say it: "1 USD = 18.25 ZAR"."""
        return (
            f"{plain(self.units)} {self.currency_id} = "
            f"{plain(self.base_units)} {self.base_currency}"
        )

    @property
    def ratio(self) -> Fraction:
        """What one unit of the currency is worth in units of the base currency, exactly."""
        return Fraction(self.base_units) / Fraction(self.units)


class SoldCash(models.Model):
    """Money in another currency that the bank bought, out of which place and how it stood there.

    What the bank gave for it is the payment's amount. Never changed once written.
    """

    payment = models.OneToOneField(BankPayment, on_delete=models.PROTECT, related_name="sold_cash")
    currency = models.ForeignKey(
        Currency, to_field="code", on_delete=models.PROTECT, related_name="sold"
    )
    place = models.CharField(max_length=40)  # code of the account that it came from
    amount_minor = models.BigIntegerField()
    # At which it stood in the ledger, in the base currency: below 0 if money that was given back
    # at older rates had left less than nothing for it.
    worth_minor = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "sold cash"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="sold_cash_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.currency_id} sold, {self.payment}"

    @property
    def gained_minor(self) -> int:
        """What the bank gave above its worth in the ledger; below 0: it was lost."""
        return self.payment.amount_minor - self.worth_minor


def plain(number: Decimal) -> str:
    """Return a number without zeros at its end: "18.25"."""
    return f"{number.normalize():f}"
