"""Webhooks, events, and the state of their deliveries."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class Subscription(models.Model):
    """An address of a program to which events of some kinds are sent.

    What it is told is limited to what the program may see at that moment. The secret that signs
    is shown once and sealed; while it is being exchanged the old one signs as well.
    """

    class State(models.TextChoices):
        """Whether it is sent to."""

        ACTIVE = "active"
        PAUSED = "paused", "paused: events are kept, nothing is sent"
        ENDED = "ended"

    program = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="webhooks"
    )
    name = models.CharField(max_length=100)
    url = models.CharField(max_length=500)
    kinds = models.JSONField()  # names of headend.webhooks.kinds
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    sealed_secret = models.BinaryField()
    sealed_old_secret = models.BinaryField(default=b"")
    old_secret_until = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0)  # attempts in a row without success
    resting_until = models.DateTimeField(null=True)  # after many failures it is asked less often
    last_success_at = models.DateTimeField(null=True)  # to within a minute

    class Meta:
        verbose_name = "webhook"
        permissions = [
            ("subscribe", "Can subscribe itself to events (for programs)"),
            ("manage_webhooks", "Can create, change, pause, replay and end webhooks"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.program.username}"


class Event(models.Model):
    """Something that happened and that somebody wanted to be told; it keeps its id for ever."""

    public_id = models.CharField(max_length=40, unique=True)  # "evt_0b7c…"
    key = models.CharField(max_length=120, unique=True)  # names its cause: nothing becomes two
    kind = models.CharField(max_length=40)
    at = models.DateTimeField()
    vendor_id = models.BigIntegerField(null=True)  # whose it is; None: the utility's
    body = models.TextField()  # exactly what is sent and signed
    made_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class Delivery(models.Model):
    """One event on its way to one subscription."""

    class State(models.TextChoices):
        """Where it is."""

        PENDING = "pending", "waiting"
        DELIVERED = "delivered"
        DEAD = "dead", "given up"

    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, related_name="deliveries"
    )
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)  # since it was queued
    queued_at = models.DateTimeField()  # first, or when it was asked for again
    next_attempt_at = models.DateTimeField()
    last_attempt_at = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)  # None: there was no answer
    last_error = models.CharField(max_length=300, blank=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["subscription", "event"], name="delivery_once"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "delivered", "dead"]),
                name="webhook_delivery_state_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["subscription", "next_attempt_at"],
                condition=Q(state="pending"),
                name="webhook_delivery_due",
            ),
            models.Index(fields=["subscription", "-id"], name="webhook_delivery_latest"),
            models.Index(fields=["-id"], condition=Q(state="dead"), name="webhook_delivery_dead"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.subscription}"


class Cursor(models.Model):
    """How far the audit record has been turned into events: one row, from the first webhook on."""

    position = models.BigIntegerField()  # of the last link of the chain that was looked at

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"up to link {self.position}"
