"""The tables as they are at the beginning."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates them."""

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Currency",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=3, unique=True)),
                ("is_accepted", models.BooleanField(default=True)),
                ("rate_holds_hours", models.PositiveIntegerField(null=True)),
            ],
            options={
                "verbose_name_plural": "currencies",
                "ordering": ["code"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("rate_holds_hours", None),
                            ("rate_holds_hours__gt", 0),
                            _connector="OR",
                        ),
                        name="currency_rate_holds_some_time",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Rate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("units", models.DecimalField(decimal_places=8, max_digits=18)),
                ("base_currency", models.CharField(max_length=3)),
                ("base_units", models.DecimalField(decimal_places=8, max_digits=18)),
                ("valid_from", models.DateTimeField()),
                ("approved_at", models.DateTimeField()),
                (
                    "approved_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "currency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rates",
                        to="currencies.currency",
                        to_field="code",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("propose_rate", "Can ask for an exchange rate"),
                    ("approve_rate", "Can approve an exchange rate"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("currency", "valid_from"), name="rate_once"),
                    models.CheckConstraint(
                        condition=models.Q(("base_units__gt", 0), ("units__gt", 0)),
                        name="rate_above_nothing",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("proposed_by", models.F("approved_by")), _negated=True
                        ),
                        name="rate_by_two_people",
                    ),
                ],
            },
        ),
    ]
