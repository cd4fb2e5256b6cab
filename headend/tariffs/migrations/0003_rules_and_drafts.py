"""Versions get their rules as a document, and who made and approved them; drafts begin.

The table is open to changes from here until `0005`, which closes it again.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from headend.config.triggers import open_to_change


class Migration(migrations.Migration):
    """Adds what takes the place of the one price."""

    dependencies = [
        ("tariffs", "0002_triggers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        open_to_change("tariffs_tariffversion"),
        migrations.AddField("tariffversion", "rules", models.JSONField(null=True)),
        migrations.AddField(
            "tariffversion",
            "made_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            "tariffversion",
            "approved_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.CreateModel(
            name="TariffDraft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.SlugField(max_length=40)),
                ("name", models.CharField(max_length=120)),
                ("valid_from", models.DateTimeField(null=True)),
                ("rules", models.JSONField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("submitted", "Submitted"),
                            ("approved", "Approved"),
                            ("discarded", "Discarded"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("changed_at", models.DateTimeField()),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "version",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="draft",
                        to="tariffs.tariffversion",
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("approve_tariff", "Can approve a tariff version of somebody else")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state", "approved"), ("version__isnull", False))
                        | models.Q(
                            models.Q(("state", "approved"), _negated=True),
                            ("version__isnull", True),
                        ),
                        name="tariff_draft_version",
                    )
                ],
            },
        ),
    ]
