"""How a supply begins, changes and ends: closings, moves, replacements, switches of mode.

What was settled is never changed: settlements, their lines, refunds, second issues of tokens and
switches of the payment mode are append-only, in the database too. What still moves (a closing that
waits for registers, a replacement whose credit is not known yet) stands in rows of its own.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from headend.customers.models import SupplyAgreement
from headend.debts.models import Debt
from headend.fleet.models import Command
from headend.meters.models import Meter
from headend.vending.models import IssuedToken


class Source(models.TextChoices):
    """Where registers were learnt."""

    METER = "meter", "told by the meter"
    PERSON = "person", "read at the meter"


class Rule(models.Model):
    """How supplies are settled from an instant on; never changed, the next one replaces it."""

    class Valuation(models.TextChoices):
        """What a kWh that is left on a meter is worth."""

        LAST_PURCHASE = "last_purchase", "as much as it cost in the last purchase"
        FIXED = "fixed", "a fixed price"
        NOTHING = "nothing", "nothing: it is not refunded"

    class ModeCredit(models.TextChoices):
        """What becomes of the credit when a meter goes over to post-payment."""

        KEPT = "kept", "stays on the meter: it is used up before energy is billed"
        REFUNDED = "refunded", "is taken off the meter and credited to the bill"

    valuation = models.CharField(max_length=14, choices=Valuation.choices)
    price_minor_per_kwh = models.DecimalField(
        max_digits=12, decimal_places=4, null=True, blank=True
    )
    premises_debts_settled = models.BooleanField(default=False)
    # Above it a second person has to approve that a refund is paid out.
    refund_limit_minor = models.BigIntegerField(default=0)
    mode_credit = models.CharField(
        max_length=8, choices=ModeCredit.choices, default=ModeCredit.KEPT
    )
    valid_from = models.DateTimeField(db_index=True)
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(valuation="fixed") | Q(price_minor_per_kwh__gte=0),
                name="supply_rule_fixed_price",
            ),
            models.CheckConstraint(
                condition=Q(refund_limit_minor__gte=0), name="supply_rule_refund_limit"
            ),
        ]

    def __str__(self) -> str:
        return f"rule of {self.valid_from:%Y-%m-%d %H:%M}"


class Closing(models.Model):
    """A customer's account at a supply is being closed: from the notice to the refund."""

    class State(models.TextChoices):
        """How far it has come."""

        OPEN = "open", "waits for the closing registers"
        REGISTERS_KNOWN = "registers known", "can be settled"
        SETTLED = "settled"
        REFUNDED = "refunded"

    class Cleared(models.TextChoices):
        """Why nothing of the customer's credit is left for the next one."""

        COMMAND = "command", "cleared by command"
        TOKEN = "token", "cleared by an engineering token"
        PERSON = "person", "seen to by a person"
        BOUGHT = "bought", "bought by the next customer"

    number = models.CharField(max_length=20, unique=True)
    agreement = models.OneToOneField(
        SupplyAgreement, on_delete=models.PROTECT, related_name="closing"
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    reason = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    command = models.OneToOneField(
        Command, null=True, on_delete=models.PROTECT, related_name="closing"
    )
    energy_wh = models.BigIntegerField(null=True)
    credit_wh = models.BigIntegerField(null=True)
    registers_source = models.CharField(max_length=8, choices=Source.choices, blank=True)
    registers_at = models.DateTimeField(null=True)
    registers_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    cleared = models.CharField(max_length=8, choices=Cleared.choices, blank=True)
    cleared_at = models.DateTimeField(null=True)
    cleared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    cleared_note = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open")
                | Q(energy_wh__isnull=False, credit_wh__isnull=False, registers_at__isnull=False),
                name="closing_registers_before_settlement",
            ),
            models.CheckConstraint(
                condition=Q(cleared="") | Q(cleared_at__isnull=False), name="closing_cleared_when"
            ),
        ]
        indexes = [
            models.Index(fields=["-started_at"], name="closing_by_start"),
        ]
        permissions = [
            ("close_account", "Can close a customer's account"),
            ("change_meter_credit", "Can say that a meter's credit was cleared"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        """Whether what the customer gets or owes is still unknown."""
        return self.state in (self.State.OPEN, self.State.REGISTERS_KNOWN)

    @property
    def needs_clearing(self) -> bool:
        """Whether the meter still holds what the next customer must not inherit."""
        return bool(self.credit_wh) and not self.cleared


class Settlement(models.Model):
    """What a closed account came to. Its lines add up to nothing: the last one says who owes."""

    closing = models.OneToOneField(Closing, on_delete=models.PROTECT, related_name="settlement")
    currency = models.CharField(max_length=3)
    refund_minor = models.BigIntegerField()  # to the customer
    owed_minor = models.BigIntegerField()  # by the customer, from now on a debt
    debt = models.OneToOneField(Debt, null=True, on_delete=models.PROTECT, related_name="+")
    refund_limit_minor = models.BigIntegerField()  # of the rule that held
    particulars = models.JSONField()  # names and numbers as the statement prints them
    settled_at = models.DateTimeField(db_index=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(refund_minor=0, owed_minor__gte=0)
                | Q(refund_minor__gt=0, owed_minor=0),
                name="settlement_one_owes",
            ),
        ]

    def __str__(self) -> str:
        return self.closing.number


class SettlementLine(models.Model):
    """One line of a settlement: positive in the customer's favour; the ledger has the same."""

    class Kind(models.TextChoices):
        """What the money of the line is for."""

        CREDIT = "credit"
        TAX = "tax"
        REPLACED = "replaced"  # credit of a replaced meter that was not moved, and taxes in it
        CARRIED = "carried"
        FEE = "fee"
        DEBT = "debt"
        REFUND = "refund"
        OWED = "owed"

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    description = models.CharField(max_length=120)
    explanation = models.CharField(max_length=200, blank=True)
    amount_minor = models.BigIntegerField()
    energy_wh = models.BigIntegerField(null=True)
    account = models.CharField(max_length=80)

    class Meta:
        ordering = ["settlement", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["settlement", "position"], name="settlement_line_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.description}: {self.amount_minor}"


class Refund(models.Model):
    """The money of a settlement was paid out to the customer."""

    class Method(models.TextChoices):
        """How it was paid."""

        CASH = "cash", "In cash, from the safe"
        BANK = "bank", "By bank transfer"

    settlement = models.OneToOneField(Settlement, on_delete=models.PROTECT, related_name="refund")
    amount_minor = models.BigIntegerField()
    method = models.CharField(max_length=4, choices=Method.choices)
    reference = models.CharField(max_length=60, blank=True)
    paid_at = models.DateTimeField()
    paid_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_of_something"),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("paid_by")),
                name="refund_by_two_people",
            ),
        ]
        permissions = [
            ("pay_refund", "Can pay a refund out"),
            ("approve_refund", "Can approve that a large refund is paid out"),
        ]

    def __str__(self) -> str:
        return f"refund of {self.settlement}"


class MoveIn(models.Model):
    """How an agreement began: the registers, and what the customer was told and took over."""

    agreement = models.OneToOneField(
        SupplyAgreement, on_delete=models.PROTECT, related_name="move_in"
    )
    former = models.OneToOneField(
        Closing, null=True, on_delete=models.PROTECT, related_name="followed_by"
    )
    energy_wh = models.BigIntegerField()
    credit_wh = models.BigIntegerField()
    registers_source = models.CharField(max_length=8, choices=Source.choices)
    bought_minor = models.BigIntegerField(default=0)  # paid for the credit that was left
    premises_debts_minor = models.BigIntegerField(default=0)  # told of and accepted
    moved_in_at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        permissions = [("move_in", "Can let a customer move in")]

    def __str__(self) -> str:
        return f"move-in of {self.agreement.customer}"


class Replacement(models.Model):
    """A meter was replaced by another one; the agreement went on."""

    number = models.CharField(max_length=20, unique=True)
    agreement = models.ForeignKey(
        SupplyAgreement, on_delete=models.PROTECT, related_name="replacements"
    )
    old_meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="replaced")
    new_meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="replacing")
    replaced_at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200)
    new_energy_wh = models.BigIntegerField()  # register of the new meter when it was put up
    # Of the old meter; unknown as long as nobody could read it.
    energy_wh = models.BigIntegerField(null=True)
    credit_wh = models.BigIntegerField(null=True)
    registers_source = models.CharField(max_length=8, choices=Source.choices, blank=True)
    registers_at = models.DateTimeField(null=True)
    registers_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    # How the credit came to the meter that followed, or was settled; at most one of them, once.
    transfer_token = models.OneToOneField(
        IssuedToken, null=True, on_delete=models.PROTECT, related_name="+"
    )
    transfer_command = models.OneToOneField(
        Command, null=True, on_delete=models.PROTECT, related_name="+"
    )
    settlement = models.ForeignKey(
        Settlement, null=True, on_delete=models.PROTECT, related_name="replacements"
    )
    transferred_at = models.DateTimeField(null=True)
    transferred_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(old_meter=F("new_meter")), name="replacement_by_another"
            ),
            models.CheckConstraint(
                condition=Q(transfer_token__isnull=True, transfer_command__isnull=True)
                | Q(transfer_token__isnull=True, settlement__isnull=True)
                | Q(transfer_command__isnull=True, settlement__isnull=True),
                name="replacement_credit_once",
            ),
            models.CheckConstraint(
                condition=Q(transferred_at__isnull=True) | Q(credit_wh__isnull=False),
                name="replacement_known_credit",
            ),
        ]
        permissions = [("replace_meter", "Can replace a meter and transfer its credit")]

    def __str__(self) -> str:
        return self.number


class SecondIssue(models.Model):
    """A token for a replaced meter, proved unused, was issued anew for the meter that followed."""

    replacement = models.ForeignKey(
        Replacement, on_delete=models.PROTECT, related_name="second_issues"
    )
    old_token = models.OneToOneField(IssuedToken, on_delete=models.PROTECT, related_name="+")
    new_token = models.OneToOneField(IssuedToken, on_delete=models.PROTECT, related_name="+")
    proof = models.CharField(max_length=200)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.new_token} for {self.old_token}"


class ModeSwitch(models.Model):
    """A meter did go over to another payment mode: its registers then, and what billing gets."""

    number = models.CharField(max_length=20, unique=True)
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="mode_switches")
    agreement = models.ForeignKey(
        SupplyAgreement, null=True, on_delete=models.PROTECT, related_name="mode_switches"
    )
    command = models.OneToOneField(Command, on_delete=models.PROTECT, related_name="mode_switch")
    payment_mode = models.CharField(max_length=12, choices=Meter.PaymentMode.choices)
    switched_at = models.DateTimeField(db_index=True)
    energy_wh = models.BigIntegerField()
    credit_wh = models.BigIntegerField()
    postpaid_wh = models.BigIntegerField()  # used in post-payment so far, all spells together
    credit_treatment = models.CharField(max_length=8, choices=Rule.ModeCredit.choices, blank=True)
    currency = models.CharField(max_length=3)
    credited_minor = models.BigIntegerField(default=0)  # to the bill
    # The order that takes off the meter what is credited.
    take_off = models.OneToOneField(
        Command, null=True, on_delete=models.PROTECT, related_name="credited_by"
    )
    explanation = models.CharField(max_length=200, blank=True)
    particulars = models.JSONField()  # customer, address and tariff, as they were then

    class Meta:
        indexes = [models.Index(fields=["meter", "-switched_at"], name="mode_switch_of_meter")]

    def __str__(self) -> str:
        return self.number
