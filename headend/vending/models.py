"""Sales, the tokens they gave, copies of their receipts, and what was given without a sale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from headend.currencies import words
from headend.currencies.models import Rate
from headend.customers.models import Customer, Premises, SupplyAgreement
from headend.debts.models import Debt
from headend.fleet.models import Command
from headend.meters.models import KeyChange, Meter
from headend.tariffs.models import TariffVersion
from headend.vendors.models import Shift, Till, Vendor


class Written(NamedTuple):
    """What a sale was written with, for whoever just made it."""

    lines: Sequence[SaleLine]
    tokens: Sequence[IssuedToken]  # in order of entry
    command: Command | None  # that takes the one token to the meter


class SaleQuerySet(models.QuerySet["Sale"]):
    """Which sales there are."""

    def standing(self) -> SaleQuerySet:
        """Leave out those that were reversed: they count for nothing any more."""
        return self.filter(reversal=None)


class Sale(models.Model):
    """One vend: money taken and what it bought. Never changed once written."""

    receipt_number = models.CharField(max_length=20, unique=True)
    caller = models.CharField(max_length=64)  # who names the message: "user:7", "console"
    message_id = models.CharField(max_length=64)
    request_digest = models.BinaryField(max_length=32)
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="sales")
    # Indexed below: its month goes on when its meter is replaced.
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

    written: Written | None = None  # with what it was just written; None: ask the database

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


class IssuedToken(models.Model):
    """A token that was generated, of any class: for which meter, by whom and why."""

    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="tokens")
    sale = models.ForeignKey(Sale, null=True, on_delete=models.PROTECT, related_name="tokens")
    position = models.PositiveSmallIntegerField(default=0)  # order of entry within a sale
    digits = models.CharField(max_length=20)
    token_class = models.PositiveSmallIntegerField()
    subclass = models.PositiveSmallIntegerField()
    base_date = models.PositiveSmallIntegerField()
    tid = models.PositiveIntegerField(null=True)
    units = models.PositiveBigIntegerField(null=True)  # credit: 0.1 kWh
    krn = models.PositiveSmallIntegerField()
    key_change = models.ForeignKey(
        KeyChange, null=True, on_delete=models.PROTECT, related_name="tokens", db_index=False
    )
    purpose = models.CharField(max_length=200)
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    issued_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["meter", "base_date", "tid"], name="token_tid_once"),
        ]
        indexes = [
            models.Index(fields=["digits"], name="token_by_digits"),
            models.Index(
                fields=["key_change"],
                condition=models.Q(key_change__isnull=False),
                name="token_by_key_change",
            ),
        ]

    def __str__(self) -> str:
        return " ".join(self.digits[i : i + 4] for i in range(0, 20, 4))

    @property
    def delivery(self) -> Command | None:
        """The latest command that sends the token to its meter, if there is any."""
        latest = max(self.deliveries.all(), key=lambda each: each.pk, default=None)
        return latest.command if latest else None


class TokenDelivery(models.Model):
    """A command that takes a token to its meter. How far it has come is the command's state.

    A key change's tokens are handed out with several purchases but sent once: then one command
    delivers what several sales gave.
    """

    token = models.ForeignKey(IssuedToken, on_delete=models.PROTECT, related_name="deliveries")
    command = models.ForeignKey(Command, on_delete=models.PROTECT, related_name="delivers")

    class Meta:
        verbose_name_plural = "token deliveries"
        constraints = [
            models.UniqueConstraint(fields=["token", "command"], name="token_delivery_once"),
        ]

    def __str__(self) -> str:
        return f"{self.token} by {self.command}"


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


class FreeProgramme(models.Model):
    """Electricity given free each month to who is enrolled; how much is in its amounts."""

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


class TokenHold(models.Model):
    """The token of a sale was made but kept back: nobody has seen it until it is disclosed."""

    sale = models.OneToOneField(Sale, on_delete=models.PROTECT, related_name="hold")
    held_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"token of {self.sale} held back"


class Disclosure(models.Model):
    """The moment at which the held token of a sale was first given out, to whom and how."""

    class How(models.TextChoices):
        """What showed it."""

        SHOWN = "shown", "shown on a page"
        RETURNED = "returned", "returned to a program"
        PRINTED = "printed", "printed on a copy of the receipt"
        SENT = "sent", "sent to the meter"

    sale = models.OneToOneField(Sale, on_delete=models.PROTECT, related_name="disclosure")
    how = models.CharField(max_length=10, choices=How.choices)
    disclosed_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    disclosed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"token of {self.sale} {self.how}"


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
