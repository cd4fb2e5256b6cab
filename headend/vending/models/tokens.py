"""Tokens of any class: their delivery, and which of them nobody has seen yet."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from headend.fleet.models import Command
from headend.meters.models import KeyChange, Meter
from headend.vending.models.sales import Sale


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
