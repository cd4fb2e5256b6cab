"""The tables as they are at the beginning."""

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
            name="Campaign",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60, unique=True)),
                ("changes", models.JSONField()),
                ("selection", models.JSONField()),
                ("pre_code", models.BooleanField(default=True)),
                ("push", models.BooleanField(default=True)),
                ("reason", models.CharField(max_length=300)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("running", "running"),
                            ("paused", "paused"),
                            ("stopped", "stopped"),
                            ("finished", "finished"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("enrolled_up_to", models.BigIntegerField(default=0)),
                ("is_enrolled", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "approved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("run_campaign", "Can plan, start, pause and stop key campaigns"),
                    ("approve_campaign", "Can approve the start of key campaigns"),
                ],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="CampaignMeter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("failure", models.CharField(blank=True, max_length=60)),
                ("explanation", models.CharField(blank=True, max_length=300)),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rows",
                        to="campaigns.campaign",
                    ),
                ),
                (
                    "key_change",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="campaign_rows",
                        to="meters.keychange",
                    ),
                ),
                (
                    "meter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="campaign_rows",
                        to="meters.meter",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("failure", ""), ("key_change", None)),
                        fields=["campaign", "id"],
                        name="campaign_pending",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "meter"), name="campaign_meter_once"
                    )
                ],
            },
        ),
    ]
