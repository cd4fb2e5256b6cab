"""The tables as they are at the beginning."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates them."""

    initial = True

    dependencies = [
        ("accounts", "__first__"),
        ("meters", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Command",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("command", models.CharField(max_length=24)),
                ("arguments", models.JSONField(default=dict)),
                ("token_identifier", models.BigIntegerField(blank=True, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "waiting"),
                            ("queued", "ready to send"),
                            ("published", "with the broker"),
                            ("received", "at the meter"),
                            ("accepted", "accepted"),
                            ("rejected", "rejected"),
                            ("expired", "expired"),
                            ("superseded", "replaced by a later command"),
                            ("cancelled", "cancelled"),
                        ],
                        default="pending",
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("number", models.BigIntegerField(blank=True, null=True)),
                ("payload", models.BinaryField(blank=True, default=bytes)),
                ("publications", models.IntegerField(default=0)),
                ("deferrals", models.IntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True)),
                ("status", models.IntegerField(blank=True, null=True)),
                ("detail", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("numbered_at", models.DateTimeField(blank=True, null=True)),
                ("published_at", models.DateTimeField(blank=True, null=True)),
                ("received_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "meter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="commands",
                        to="meters.meter",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("send_token", "Can send a token to a meter"),
                    ("command_meter", "Can switch, configure and read meters"),
                    ("switch_payment_mode", "Can switch a meter's payment mode"),
                    ("close_account", "Can close a meter's account and clear its credit"),
                    ("adjust_credit", "Can ask for a meter's credit to be adjusted"),
                    ("approve_adjustment", "Can approve an adjustment of a meter's credit"),
                ],
                "indexes": [
                    models.Index(fields=["meter", "id"], name="fleet_command_of_meter"),
                    models.Index(
                        condition=models.Q(
                            ("state__in", ["pending", "published", "queued", "received"])
                        ),
                        fields=["next_attempt_at"],
                        name="fleet_command_outbox",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("number__isnull", False)),
                        fields=("meter", "number"),
                        name="fleet_command_number_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["published", "queued", "received"])),
                        fields=("meter",),
                        name="fleet_one_unfinished_command",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "pending",
                                    "queued",
                                    "published",
                                    "received",
                                    "accepted",
                                    "rejected",
                                    "expired",
                                    "superseded",
                                    "cancelled",
                                ],
                            )
                        ),
                        name="fleet_command_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("state__in", ["published", "queued", "received"]), _negated=True
                            ),
                            ("number__isnull", False),
                            _connector="OR",
                        ),
                        name="fleet_command_sent_is_numbered",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("boot", models.BigIntegerField()),
                ("seq", models.BigIntegerField()),
                ("after_boot", models.BigIntegerField(blank=True, null=True)),
                ("after_seq", models.BigIntegerField(blank=True, null=True)),
                ("code", models.IntegerField()),
                ("occurred_at", models.DateTimeField(blank=True, null=True)),
                ("received_at", models.DateTimeField()),
                ("detail", models.JSONField(default=dict)),
                (
                    "meter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="meters.meter",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["meter", "-id"], name="fleet_event_of_meter")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("meter", "boot", "seq"), name="fleet_event_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MeterLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("online", models.BooleanField(default=False)),
                ("online_changed_at", models.DateTimeField(blank=True, null=True)),
                ("last_heard_at", models.DateTimeField(blank=True, null=True)),
                ("boot", models.BigIntegerField(blank=True, null=True)),
                ("last_command_number", models.BigIntegerField(default=0)),
                ("stored_boot", models.BigIntegerField(default=0)),
                ("stored_seq", models.BigIntegerField(default=0)),
                ("watermark_due", models.BooleanField(default=False)),
                ("has_gap", models.BooleanField(default=False)),
                ("low_credit_told", models.BooleanField(default=False)),
                ("low_credit_agreement_id", models.BigIntegerField(blank=True, null=True)),
                ("low_credit_drops", models.BigIntegerField(default=0)),
                (
                    "meter",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="link",
                        to="meters.meter",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("watermark_due", True)),
                        fields=["id"],
                        name="fleet_link_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MeterState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("received_at", models.DateTimeField()),
                ("boot", models.BigIntegerField()),
                ("revision", models.BigIntegerField()),
                ("boot_nonce", models.CharField(max_length=64)),
                ("clock_quality", models.CharField(max_length=16)),
                ("payment_mode", models.CharField(max_length=16)),
                ("account_status", models.CharField(max_length=16)),
                ("credit_wh", models.BigIntegerField()),
                ("relay_closed", models.BooleanField()),
                ("open_reasons", models.JSONField(default=list)),
                ("last_boot", models.BigIntegerField()),
                ("last_seq", models.BigIntegerField()),
                ("last_command_number", models.BigIntegerField()),
                ("content", models.JSONField(default=dict)),
                (
                    "meter",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="state",
                        to="meters.meter",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Reading",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("boot", models.BigIntegerField()),
                ("seq", models.BigIntegerField()),
                ("after_boot", models.BigIntegerField(blank=True, null=True)),
                ("after_seq", models.BigIntegerField(blank=True, null=True)),
                ("interval_end", models.DateTimeField()),
                ("clock_was_set", models.BooleanField(default=True)),
                ("received_at", models.DateTimeField()),
                ("energy_wh", models.BigIntegerField(blank=True, null=True)),
                ("credit_wh", models.BigIntegerField(blank=True, null=True)),
                ("power_w", models.BigIntegerField(blank=True, null=True)),
                ("voltage_mv", models.BigIntegerField(blank=True, null=True)),
                ("registers", models.JSONField(default=dict)),
                (
                    "meter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="readings",
                        to="meters.meter",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["meter", "interval_end"], name="fleet_reading_of_meter")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("meter", "boot", "seq", "interval_end"), name="fleet_reading_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SecurityEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("drn", models.CharField(max_length=32)),
                ("reason", models.CharField(max_length=32)),
                ("day", models.DateField()),
                ("count", models.BigIntegerField(default=0)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("topic", models.CharField(max_length=200)),
                ("sample", models.BinaryField(default=bytes)),
                ("explanation", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("drn", "reason", "day"), name="fleet_security_event_per_day"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WorkItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=32)),
                ("cause", models.CharField(max_length=100)),
                ("summary", models.CharField(max_length=300)),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "command",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="fleet.command",
                    ),
                ),
                (
                    "meter",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="meters.meter",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=("cause",),
                        name="fleet_work_item_open_once",
                    )
                ],
            },
        ),
    ]
