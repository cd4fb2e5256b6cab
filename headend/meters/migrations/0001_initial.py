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
    ]

    operations = [
        migrations.CreateModel(
            name="Meter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("unit_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("drn", models.CharField(max_length=13, unique=True, verbose_name="meter number")),
                ("pan", models.CharField(max_length=18, unique=True, verbose_name="meter PAN")),
                (
                    "ea",
                    models.PositiveSmallIntegerField(
                        default=7, verbose_name="encryption algorithm"
                    ),
                ),
                (
                    "dkga",
                    models.PositiveSmallIntegerField(
                        default=4, verbose_name="decoder key generation algorithm"
                    ),
                ),
                ("sgc", models.CharField(max_length=6, verbose_name="supply group code")),
                ("kt", models.PositiveSmallIntegerField(default=2, verbose_name="key type")),
                (
                    "krn",
                    models.PositiveSmallIntegerField(
                        default=1, verbose_name="key revision number"
                    ),
                ),
                ("ti", models.PositiveSmallIntegerField(default=1, verbose_name="tariff index")),
                (
                    "ken",
                    models.PositiveSmallIntegerField(
                        default=255, verbose_name="key expiry number"
                    ),
                ),
                ("base_date", models.PositiveSmallIntegerField(default=2014)),
                ("tct", models.PositiveSmallIntegerField(default=2, verbose_name="token carrier")),
                ("last_tid", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("stock", "Stock"),
                            ("installed", "Installed"),
                            ("removed", "Removed"),
                            ("scrapped", "Scrapped"),
                        ],
                        default="stock",
                        max_length=10,
                    ),
                ),
                (
                    "intended_payment_mode",
                    models.CharField(
                        choices=[("prepayment", "Prepayment"), ("postpayment", "Postpayment")],
                        default="prepayment",
                        max_length=12,
                    ),
                ),
                ("link_generation", models.PositiveSmallIntegerField(default=1)),
                ("has_key_change_due", models.BooleanField(db_default=False, default=False)),
                ("registered_at", models.DateTimeField()),
            ],
            options={
                "permissions": [("provision_meter", "Can provision a meter")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ea__in", (7, 11))), name="meter_ea"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("dkga__in", (2, 4))), name="meter_dkga"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ea", 7), ("dkga", 4), _connector="OR"),
                        name="meter_ea11_needs_dkga04",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ken__lte", 255),
                            ("krn__gte", 1),
                            ("krn__lte", 9),
                            ("kt__lte", 3),
                            ("ti__lte", 99),
                        ),
                        name="meter_key_attributes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("base_date__in", (1993, 2014, 2035))),
                        name="meter_base_date",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("last_tid__isnull", True), ("last_tid__lt", 16777216), _connector="OR"
                        ),
                        name="meter_last_tid",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="KeyChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("before", models.JSONField()),
                ("after", models.JSONField()),
                ("token_count", models.PositiveSmallIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("prepared", "prepared, nobody has its tokens yet"),
                            ("issued", "tokens handed out or sent, not known to be entered"),
                            ("entered", "the meter has its new key"),
                            ("withdrawn", "taken back, the meter keeps its old key"),
                        ],
                        default="prepared",
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(max_length=300)),
                ("prepared_at", models.DateTimeField()),
                ("previous_last_tid", models.PositiveIntegerField(null=True)),
                ("issued_at", models.DateTimeField(null=True)),
                ("pushed_at", models.DateTimeField(null=True)),
                ("hand_outs", models.PositiveSmallIntegerField(default=0)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "evidence",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("meter", "the meter reported its new key"),
                            ("purchases", "so many purchases since, all under the new key"),
                            ("person", "a person said so"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "prepared_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "meter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="key_changes",
                        to="meters.meter",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("prepared", "issued"))),
                        fields=("meter",),
                        name="one_key_change_under_way",
                    )
                ],
            },
        ),
    ]
