"""Sales, their lines, and the copies that were made of their receipts."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from headend.currencies import words
from headend.currencies.models import Rate
from headend.customers.models import SupplyAgreement
from headend.meters.models import Meter
from headend.tariffs.models import TariffVersion
from headend.vendors.models import Shift, Till, Vendor


class SaleQuerySet(models.QuerySet["Sale"]):
    """Queries of sales."""

    def standing(self) -> SaleQuerySet:
        """Leave out those that were reversed: they count for nothing any more."""
        return self.filter(reversal=None)


class Sale(models.Model):
    """One vend: money taken and what it bought. Never changed once written."""

    receipt_number = models.CharField(max_length=20, unique=True)
    caller = models.CharField(max_length=64)  # who names the message: "user:7", "console"
    message_id = models.CharField(max_length=64)
    request_digest = models.BinaryField(max_length=32)
    # Both indexed below. A month goes on when its meter is replaced.
    meter = models.ForeignKey(
        Meter, on_delete=models.PROTECT, related_name="sales", db_index=False
    )
    agreement = models.ForeignKey(
        SupplyAgreement, on_delete=models.PROTECT, related_name="sales", db_index=False
    )
    tariff_version = models.ForeignKey(
        TariffVersion, on_delete=models.PROTECT, related_name="sales"
    )
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sales"
    )
    # All null at the utility's own tills. Indexed below, and only where there is a vendor.
    vendor = models.ForeignKey(
        Vendor, null=True, on_delete=models.PROTECT, related_name="sales", db_index=False
    )
    till = models.ForeignKey(
        Till, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    shift = models.ForeignKey(
        Shift, null=True, on_delete=models.PROTECT, related_name="sales", db_index=False
    )
    tender_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    # What was handed over, if in another currency; the tender is its worth at that rate.
    paid_minor = models.BigIntegerField(null=True)
    exchange_rate = models.ForeignKey(
        Rate, null=True, on_delete=models.PROTECT, related_name="sales", db_index=False
    )
    sold_wh = models.BigIntegerField()  # exact price result, rounded down to a whole Wh
    issued_wh = models.BigIntegerField()  # what the tariff's rounding prints
    encoded_wh = models.BigIntegerField()  # what the token carries
    calculation = models.JSONField(encoder=DjangoJSONEncoder)  # the prices and rules used
    particulars = models.JSONField()  # names and numbers as the receipt prints them, for copies
    created_at = models.DateTimeField(db_index=True)

    objects = SaleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["caller", "message_id"], name="sale_message_once"),
            models.CheckConstraint(
                condition=models.Q(tender_minor__gt=0), name="sale_tender_positive"
            ),
            models.CheckConstraint(
                condition=models.Q(paid_minor=None, exchange_rate=None)
                | models.Q(paid_minor__gt=0, exchange_rate__isnull=False),
                name="sale_paid_at_a_rate",
            ),
        ]
        indexes = [
            models.Index(fields=["meter", "-created_at"], name="sale_by_meter"),
            models.Index(fields=["agreement", "-created_at"], name="sale_by_agreement"),
            # Its last sale is the one made last, whatever the clock said.
            models.Index(fields=["agreement", "-id"], name="sale_last_of_agreement"),
            models.Index(
                fields=["vendor", "-created_at"],
                condition=models.Q(vendor__isnull=False),
                name="sale_by_vendor",
            ),
            models.Index(
                fields=["shift"], condition=models.Q(shift__isnull=False), name="sale_by_shift"
            ),
            models.Index(
                fields=["exchange_rate"],
                condition=models.Q(exchange_rate__isnull=False),
                name="sale_by_exchange_rate",
            ),
        ]
        permissions = [
            ("vend", "Can vend"),
            ("reprint_receipt", "Can print a copy of a receipt"),
        ]

    def __str__(self) -> str:
        return self.receipt_number

    @property
    def received_minor(self) -> int:
        """What was handed over, in minor units of `received_currency`."""
        return self.tender_minor if self.paid_minor is None else self.paid_minor

    @property
    def received_currency(self) -> str:
        """The currency of what was handed over."""
        return self.exchange_rate.currency_id if self.exchange_rate else self.currency

    @property
    def exchange(self) -> list[tuple[str, str]]:
        """Name and value of what is to be said of money in another currency."""
        if self.exchange_rate is None or self.paid_minor is None:
            return []
        return words.statement(self.paid_minor, self.exchange_rate)

    @property
    def reckoning(self) -> list[tuple[str, str]]:
        """Title of each line and how it was reckoned, in words; the oldest sales have none."""
        told = [line["explanation"] for line in self.calculation.get("lines", ())]
        titles = [line.description for line in self.lines.all()]
        return [(title, said) for title, said in zip(titles, told, strict=False) if said]


class SaleLine(models.Model):
    """One line of the receipt; the lines of a sale add up to its tender."""

    class Kind(models.TextChoices):
        """What the money of the line is for."""

        ENERGY = "energy"
        TAX = "tax"
        LEVY = "levy"
        FEE = "fee"
        REBATE = "rebate"
        DUTY = "duty"
        DEBT = "debt"
        CARRIED = "carried"  # left for the next purchase, or brought from the last
        ROUNDING = "rounding"

    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    description = models.CharField(max_length=120)
    amount_minor = models.BigIntegerField()
    energy_wh = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["sale", "position"]
        constraints = [
            models.UniqueConstraint(fields=["sale", "position"], name="sale_line_once"),
        ]

    def __str__(self) -> str:
        return f"{self.description}: {self.amount_minor}"


class ReceiptCopy(models.Model):
    """A copy of a receipt that was printed after the first."""

    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, related_name="copies")
    number = models.PositiveSmallIntegerField()  # 1 is the first copy
    printed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    printed_at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sale", "number"], name="receipt_copy_once"),
        ]

    def __str__(self) -> str:
        return f"{self.sale} copy {self.number}"
