"""Organisations that sell energy for the utility, with their credit, tills, people and shifts.

What is in a vendor's wallet is the balance of its account in the ledger. Purses hold the same
money a second time, in several rows, so that parallel sales each reserve theirs without waiting
for one another; the nightly check proves that both agree.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from headend.ledger import chart


class Vendor(models.Model):
    """An organisation that sells for the utility, in one currency."""

    ACTIVE, SUSPENDED = "active", "suspended"

    name = models.CharField(max_length=100, unique=True)
    tax_number = models.CharField(max_length=40, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, default=ACTIVE)
    contract = models.ForeignKey(
        "Contract", null=True, on_delete=models.PROTECT, related_name="+"
    )  # the one in force
    created_at = models.DateTimeField()

    class Meta:
        permissions = [
            ("act_for_utility", "Sells for the utility and sees what every vendor does"),
            ("suspend", "Can suspend a vendor and let it sell again"),
            ("buy_credit", "Can ask for credit that a vendor has paid for"),
            ("approve_credit", "Can approve credit that a vendor has paid for"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def wallet(self) -> str:
        """The code of its account in the ledger: what it has paid ahead."""
        return chart.wallet_account(self.pk)

    @property
    def earnings(self) -> str:
        """The code of its account in the ledger for what it has earned, without tax."""
        return chart.commission_account(self.pk)


class Contract(models.Model):
    """What a vendor earns and how far it may go; never changed, the next one replaces it."""

    class Kind(models.TextChoices):
        """How the vendor earns."""

        DISCOUNT = "discount", "Discount: pays less than the credit it gets"
        COMMISSION = "commission", "Commission: earns with each sale"

    class Tax(models.TextChoices):
        """How tax on what the vendor earns is treated."""

        NONE = "none", "No tax: the vendor is not registered for it"
        INCLUDED = "included", "Included in the percentage"
        ADDED = "added", "Added to the percentage"

    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="contracts")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    percent = models.DecimalField(max_digits=6, decimal_places=3)
    tax = models.CharField(max_length=10, choices=Tax.choices)
    tax_percent = models.DecimalField(max_digits=6, decimal_places=3, default=0)
    credit_limit_minor = models.BigIntegerField(default=0)  # how far the wallet may fall below 0
    largest_sale_minor = models.BigIntegerField(null=True)
    valid_from = models.DateTimeField()
    agreed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__gte=0, percent__lt=100, tax_percent__gte=0),
                name="contract_percentages",
            ),
            models.CheckConstraint(
                condition=Q(credit_limit_minor__gte=0), name="contract_credit_limit"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.percent.normalize():f} % of {self.vendor}"


class Purse(models.Model):
    """A part of what a vendor may still sell for: its wallet and credit limit, in pieces."""

    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="purses")
    number = models.PositiveSmallIntegerField()
    available_minor = models.BigIntegerField(default=0)
    is_open = models.BooleanField(default=True)  # no sale takes from a suspended vendor's

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["vendor", "number"], name="purse_once"),
            models.CheckConstraint(
                condition=Q(available_minor__gte=0), name="purse_never_overdrawn"
            ),
        ]

    def __str__(self) -> str:
        return f"purse {self.number} of {self.vendor}"


class WalletWatch(models.Model):
    """The balance below which a wallet is low, and since when it is: nobody is told twice."""

    vendor = models.OneToOneField(Vendor, on_delete=models.CASCADE, related_name="wallet_watch")
    threshold_minor = models.BigIntegerField()  # of what may still be sold for
    low_since = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(threshold_minor__gt=0), name="wallet_watch_threshold"
            ),
        ]

    def __str__(self) -> str:
        return f"wallet of {self.vendor}"


class Till(models.Model):
    """A place where a vendor sells, or the utility if it has no vendor."""

    vendor = models.ForeignKey(Vendor, null=True, on_delete=models.PROTECT, related_name="tills")
    name = models.CharField(max_length=60)
    needs_shift = models.BooleanField(default=True)  # not where a program sells
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["vendor", "name"], name="till_name_once"),
            models.UniqueConstraint(
                fields=["name"], condition=Q(vendor=None), name="till_name_once_at_utility"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Operator(models.Model):
    """A user who belongs to a vendor, and therefore sells and sees for that vendor only."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="vendor_operator"
    )
    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="operators")
    till = models.ForeignKey(
        Till, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )  # a program's, which sells without shifts
    is_active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"{self.user} of {self.vendor}"


class Purchase(models.Model):
    """Credit that a vendor paid for and that a second person approved."""

    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="purchases")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="+")
    payment_reference = models.CharField(max_length=60, unique=True)
    paid_minor = models.BigIntegerField()
    credit_minor = models.BigIntegerField()  # paid and the discount earned, with its tax
    at = models.DateTimeField()
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(paid_minor__gt=0, credit_minor__gte=models.F("paid_minor")),
                name="purchase_gives_what_was_paid",
            ),
            models.CheckConstraint(
                condition=~Q(requested_by=models.F("approved_by")), name="purchase_by_two_people"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.vendor} {self.payment_reference}"


class Cash(models.Model):
    """Cash of one currency in a drawer, from what was there to what was counted."""

    float_minor = models.BigIntegerField(default=0)  # in the drawer at the beginning
    sold_minor = models.BigIntegerField(default=0)
    paid_out_minor = models.BigIntegerField(default=0)  # of sales that were taken back
    counted_minor = models.BigIntegerField(null=True)

    class Meta:
        abstract = True

    @property
    def net_minor(self) -> int:
        """What was sold less what was given back; of sales of other shifts too, so maybe < 0."""
        return self.sold_minor - self.paid_out_minor

    @property
    def expected_minor(self) -> int:
        """What should be in the drawer: what was there, and the sales less what was paid out."""
        return self.float_minor + self.net_minor

    @property
    def difference_minor(self) -> int | None:
        """Cash over, or short if negative; None before it was counted."""
        return None if self.counted_minor is None else self.counted_minor - self.expected_minor


class Shift(Cash):
    """Somebody's time at a till, with the cash in the drawer's usual currency."""

    OPEN, COUNTED, CLOSED = "open", "counted", "closed"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="shifts"
    )
    till = models.ForeignKey(Till, on_delete=models.PROTECT, related_name="shifts")
    vendor = models.ForeignKey(
        Vendor, null=True, on_delete=models.PROTECT, related_name="shifts"
    )  # the till's: null at the utility's own
    state = models.CharField(max_length=10, default=OPEN)
    opened_at = models.DateTimeField()
    sales_count = models.PositiveIntegerField(default=0)
    paid_out_count = models.PositiveIntegerField(default=0)
    counted_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=300, blank=True)  # why the cash differs

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["till"],
                condition=Q(state__in=("open", "counted")),
                name="shift_one_at_a_till",
            ),
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(state__in=("open", "counted")),
                name="shift_one_of_a_user",
            ),
            models.CheckConstraint(
                condition=Q(float_minor__gte=0, sold_minor__gte=0, paid_out_minor__gte=0),
                name="shift_amounts",
            ),
            models.CheckConstraint(
                condition=Q(state="open", counted_minor=None)
                | Q(state__in=("counted", "closed"), counted_minor__gte=0),
                name="shift_counted_before_closed",
            ),
        ]
        indexes = [models.Index(fields=["vendor", "-opened_at"], name="shift_by_vendor")]
        permissions = [
            ("work_shift", "Can open, count and close their own shifts"),
            ("close_any_shift", "Can close a shift whose cash differs"),
            ("fill_safe", "Can fetch cash from the bank into the utility's safe"),
            ("sell_without_shift", "Sells for the utility without a shift, as programs do"),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.till}, {timezone.localtime(self.opened_at):%Y-%m-%d %H:%M}"

    @property
    def currency(self) -> str:
        """The currency of its cash."""
        return self.vendor.currency if self.vendor else settings.BASE_CURRENCY

    def expected_in(self, currency: str) -> int:
        """Return what should be in the drawer of one currency, in its minor units."""
        if currency == self.currency:
            return self.expected_minor
        return sum(one.expected_minor for one in self.others.all() if one.currency == currency)

    @property
    def differs(self) -> bool:
        """Whether cash of any currency is over or short."""
        return bool(self.difference_minor) or any(
            one.difference_minor for one in self.others.all()
        )


class OtherCash(Cash):
    """Cash in another currency than the base one in the drawer of a shift; counted by itself."""

    shift = models.ForeignKey(Shift, on_delete=models.PROTECT, related_name="others")
    currency = models.CharField(max_length=3)

    class Meta:
        verbose_name_plural = "other cash"
        ordering = ["currency"]
        constraints = [
            models.UniqueConstraint(fields=["shift", "currency"], name="other_cash_once"),
            models.CheckConstraint(
                condition=Q(float_minor__gte=0, sold_minor__gte=0, paid_out_minor__gte=0),
                name="other_cash_amounts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} in the drawer of {self.shift}"
