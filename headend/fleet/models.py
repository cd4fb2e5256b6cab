"""What the head-end knows of its meters in the field, and what it still has to tell them.

Keys inside are 64-bit; readings are meant to be partitioned by time, so nothing refers to one and
their unique key contains the time.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from headend.fleet import delivery


class MeterLink(models.Model):
    """One row per meter that is in touch: presence, numbering, and what is stored of it.

    The row is also the lock: whoever numbers a command for the meter or stores a message of it
    holds this row first.
    """

    meter = models.OneToOneField("meters.Meter", models.PROTECT, related_name="link")
    online = models.BooleanField(default=False)
    online_changed_at = models.DateTimeField(null=True, blank=True)
    last_heard_at = models.DateTimeField(null=True, blank=True)
    boot = models.BigIntegerField(null=True, blank=True)
    last_command_number = models.BigIntegerField(default=0)
    # The watermark: every numbered message up to here is in the database.
    stored_boot = models.BigIntegerField(default=0)
    stored_seq = models.BigIntegerField(default=0)
    watermark_due = models.BooleanField(default=False)
    has_gap = models.BooleanField(default=False)  # something is stored beyond the watermark
    # Low credit: whether this drop was already told, and for which agreement's threshold.
    low_credit_told = models.BooleanField(default=False)
    low_credit_agreement_id = models.BigIntegerField(null=True, blank=True)
    low_credit_drops = models.BigIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=Q(watermark_due=True), name="fleet_link_due"),
        ]

    def __str__(self) -> str:
        return f"link of meter {self.meter_id}"


class MeterState(models.Model):
    """The latest state that a meter told; what is intended for it is kept with the meter."""

    meter = models.OneToOneField("meters.Meter", models.PROTECT, related_name="state")
    received_at = models.DateTimeField()
    boot = models.BigIntegerField()
    revision = models.BigIntegerField()
    boot_nonce = models.CharField(max_length=64)
    clock_quality = models.CharField(max_length=16)
    payment_mode = models.CharField(max_length=16)
    account_status = models.CharField(max_length=16)
    credit_wh = models.BigIntegerField()
    relay_closed = models.BooleanField()
    open_reasons = models.JSONField(default=list)
    last_boot = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    last_command_number = models.BigIntegerField()
    content = models.JSONField(default=dict)  # everything it told, as `shared.wire` names it

    def __str__(self) -> str:
        return f"state of meter {self.meter_id}"


class Command(models.Model):
    """One order to one meter, from being asked for to the meter's answer."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    meter = models.ForeignKey("meters.Meter", models.PROTECT, related_name="commands")
    command = models.CharField(max_length=24)
    arguments = models.JSONField(default=dict)
    token_identifier = models.BigIntegerField(null=True, blank=True)
    state = models.CharField(
        max_length=12, choices=delivery.State.choices, default=delivery.State.PENDING
    )
    reason = models.CharField(max_length=200, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    number = models.BigIntegerField(null=True, blank=True)
    payload = models.BinaryField(default=bytes, blank=True)
    publications = models.IntegerField(default=0)
    deferrals = models.IntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    status = models.IntegerField(null=True, blank=True)
    detail = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    numbered_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["meter", "number"],
                condition=Q(number__isnull=False),
                name="fleet_command_number_once",
            ),
            models.UniqueConstraint(
                fields=["meter"],
                condition=Q(state__in=sorted(delivery.IN_DELIVERY)),
                name="fleet_one_unfinished_command",
            ),
            models.CheckConstraint(
                condition=Q(state__in=delivery.State.values), name="fleet_command_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=sorted(delivery.IN_DELIVERY)) | Q(number__isnull=False),
                name="fleet_command_sent_is_numbered",
            ),
        ]
        indexes = [
            models.Index(fields=["meter", "id"], name="fleet_command_of_meter"),
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(state__in=sorted(delivery.UNFINISHED)),
                name="fleet_command_outbox",
            ),
        ]
        permissions = [
            ("send_token", "Can send a token to a meter"),
            ("command_meter", "Can switch, configure and read meters"),
            ("switch_payment_mode", "Can switch a meter's payment mode"),
            ("close_account", "Can close a meter's account and clear its credit"),
            ("adjust_credit", "Can ask for a meter's credit to be adjusted"),
            ("approve_adjustment", "Can approve an adjustment of a meter's credit"),
        ]

    def __str__(self) -> str:
        return f"{self.command} to meter {self.meter_id} ({self.state})"


class Event(models.Model):
    """Something a meter noticed, stored once by its number (meter, boot, seq)."""

    meter = models.ForeignKey("meters.Meter", models.PROTECT, related_name="events")
    boot = models.BigIntegerField()
    seq = models.BigIntegerField()
    after_boot = models.BigIntegerField(null=True, blank=True)
    after_seq = models.BigIntegerField(null=True, blank=True)
    code = models.IntegerField()
    occurred_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["meter", "boot", "seq"], name="fleet_event_once"),
        ]
        indexes = [models.Index(fields=["meter", "-id"], name="fleet_event_of_meter")]

    def __str__(self) -> str:
        return f"event {self.code} of meter {self.meter_id}"


class Reading(models.Model):
    """Registers of a meter at the end of an interval, stored once by (meter, boot, seq)."""

    meter = models.ForeignKey("meters.Meter", models.PROTECT, related_name="readings")
    boot = models.BigIntegerField()
    seq = models.BigIntegerField()
    after_boot = models.BigIntegerField(null=True, blank=True)
    after_seq = models.BigIntegerField(null=True, blank=True)
    interval_end = models.DateTimeField()  # time of arrival if the meter's clock was never set
    clock_was_set = models.BooleanField(default=True)
    received_at = models.DateTimeField()
    energy_wh = models.BigIntegerField(null=True, blank=True)
    credit_wh = models.BigIntegerField(null=True, blank=True)
    power_w = models.BigIntegerField(null=True, blank=True)
    voltage_mv = models.BigIntegerField(null=True, blank=True)
    registers = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["meter", "boot", "seq", "interval_end"], name="fleet_reading_once"
            ),
        ]
        indexes = [
            models.Index(fields=["meter", "interval_end"], name="fleet_reading_of_meter"),
        ]

    def __str__(self) -> str:
        return f"reading of meter {self.meter_id} at {self.interval_end}"


class SecurityEvent(models.Model):
    """Messages that must not be believed, counted per meter number, reason and day.

    One row per day and reason, whatever an attacker sends: the broker is not trusted, and neither
    may it fill the database.
    """

    drn = models.CharField(max_length=32)
    reason = models.CharField(max_length=32)
    day = models.DateField()
    count = models.BigIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    topic = models.CharField(max_length=200)
    sample = models.BinaryField(default=bytes)
    explanation = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["drn", "reason", "day"], name="fleet_security_event_per_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason} from {self.drn} ({self.count})"


class WorkItem(models.Model):
    """Something a person has to look at; one open item per cause."""

    kind = models.CharField(max_length=32)
    cause = models.CharField(max_length=100)
    meter = models.ForeignKey("meters.Meter", models.PROTECT, null=True, blank=True)
    command = models.ForeignKey(Command, models.PROTECT, null=True, blank=True)
    summary = models.CharField(max_length=300)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cause"],
                condition=Q(closed_at__isnull=True),
                name="fleet_work_item_open_once",
            ),
        ]

    def __str__(self) -> str:
        return self.summary
