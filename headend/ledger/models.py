"""Double-entry accounts: every unit of money that moves is a line of a balanced entry.

An entry is written after its lines. A trigger on the entry adds the lines up and refuses any
currency that is not zero; the lines' deferred foreign key refuses a commit without the entry.
So no unbalanced and no unfinished entry can be committed, and nothing committed can be changed.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from headend.ledger import chart


class Account(models.Model):
    """A place where money is, in one currency."""

    Kind = chart.Kind

    code = models.CharField(max_length=80)  # "cash.till", "sales.energy", "tax.vat"
    currency = models.CharField(max_length=3)
    kind = models.CharField(max_length=10, choices=Kind.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "currency"], name="ledger_account_once"),
        ]

    def __str__(self) -> str:
        return f"{self.code} ({self.currency})"

    @property
    def name(self) -> str:
        """What people call it."""
        return chart.name(self.code)


class Entry(models.Model):
    """One balanced movement of money. Its id is chosen before its lines are written."""

    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    description = models.CharField(max_length=200)
    reference = models.CharField(max_length=80, db_index=True)  # "sale:261121-7K3F9QXM"

    class Meta:
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.description}"


class Line(models.Model):
    """One side of an entry: positive is a debit, negative a credit."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="lines")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="lines")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(amount_minor=0), name="ledger_line_not_zero"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.amount_minor} {self.currency}"

    @property
    def credit_minor(self) -> int:
        """The amount of a credit without its sign; 0 for a debit."""
        return max(-self.amount_minor, 0)


class Checkpoint(models.Model):
    """All lines up to a number were added up; no line can appear among them any more.

    Checkpoints follow each other by the numbers of lines, not by the clock, which may be wrong and
    be set back. Which days they are of is told by the earliest and latest of their own entries.
    """

    number = models.PositiveIntegerField(primary_key=True)  # 1, 2, 3 ... without gaps
    made_at = models.DateTimeField(db_index=True)
    after_line = models.BigIntegerField(unique=True)  # its own lines come after this one ...
    last_line = models.BigIntegerField(unique=True)  # ... up to this one
    first_at = models.DateTimeField()  # the earliest and the latest `at` of its own lines' entries
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(last_line__gt=F("after_line")), name="ledger_checkpoint_has_lines"
            ),
            models.CheckConstraint(
                condition=Q(last_at__gte=F("first_at")), name="ledger_checkpoint_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"checkpoint {self.number}, up to line {self.last_line}"


class KeptBalance(models.Model):
    """The sums of all lines of an account up to a checkpoint that has lines of it."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="balances")
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="kept_balances", db_index=False
    )
    balance_minor = models.BigIntegerField()  # debits less credits
    credits_minor = models.BigIntegerField()  # without sign
    lines = models.BigIntegerField()  # how many

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "checkpoint"], name="ledger_kept_balance_once"
            ),
            models.CheckConstraint(
                condition=Q(lines__gt=0, credits_minor__gte=0), name="ledger_kept_balance_of_lines"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.balance_minor} at checkpoint {self.checkpoint_id}"


class Proving(models.Model):
    """One run of the check that every figure follows from the ledger, and what it found."""

    at = models.DateTimeField(db_index=True)
    seconds = models.FloatField()
    proofs = models.PositiveSmallIntegerField()
    is_whole = models.BooleanField(default=True)  # False: of rows, only new ones were looked at
    reached = models.JSONField(default=dict)  # the highest number seen, by "app.model"
    differences = models.JSONField()  # as `proofs.Difference`; empty: all agree

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}: {len(self.differences)} differences"


class BankPayment(models.Model):
    """Money that reached the bank; it lies in suspense until its purpose is known."""

    WAITING, CLEARED, MATCHED = "waiting", "cleared", "matched"

    reference = models.CharField(max_length=60, unique=True)  # by which the bank knows it
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    paid_on = models.DateField()
    payer = models.CharField(max_length=140, blank=True)  # as the bank names them
    text = models.CharField(max_length=200, blank=True)  # what the payer wrote
    state = models.CharField(max_length=10, default=WAITING)
    entered_at = models.DateTimeField()
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)  # when it was cleared or matched
    ended_as = models.CharField(max_length=200, blank=True)  # what for it was

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="bank_payment_positive"),
            models.CheckConstraint(
                condition=Q(state="waiting", ended_at=None)
                | Q(state__in=("cleared", "matched"), ended_at__isnull=False),
                name="bank_payment_ended",
            ),
        ]
        indexes = [models.Index(fields=["state", "paid_on"], name="bank_payment_waiting")]
        permissions = [
            ("clear_payment", "Can ask for a payment in suspense to go where it belongs"),
            ("approve_clearing", "Can approve where a payment in suspense goes"),
        ]

    def __str__(self) -> str:
        return f"payment {self.reference}"
