"""The tables as they are at the beginning."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates them."""

    initial = True

    dependencies = [
        ("accounts", "__first__"),
        ("customers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Debt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=60)),
                (
                    "external_reference",
                    models.CharField(blank=True, max_length=60, null=True, unique=True),
                ),
                ("currency", models.CharField(max_length=3)),
                ("principal_minor", models.BigIntegerField()),
                ("balance_minor", models.BigIntegerField()),
                ("priority", models.PositiveSmallIntegerField(default=1)),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("percent", "Percent of each purchase"),
                            ("per_purchase", "Fixed amount per purchase"),
                            ("per_month", "Fixed amount per month"),
                            ("instalments", "Monthly instalments without interest"),
                        ],
                        max_length=12,
                    ),
                ),
                ("percent", models.DecimalField(decimal_places=4, default=0, max_digits=7)),
                ("amount_minor", models.BigIntegerField(default=0)),
                ("instalments", models.PositiveSmallIntegerField(default=1)),
                ("first_due", models.DateField(blank=True, null=True)),
                ("plan_minor", models.BigIntegerField()),
                ("cap_per_purchase_minor", models.BigIntegerField(blank=True, null=True)),
                ("cap_per_month_minor", models.BigIntegerField(blank=True, null=True)),
                ("opened_at", models.DateTimeField()),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="debts",
                        to="customers.customer",
                    ),
                ),
                (
                    "opened_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "premises",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="debts",
                        to="customers.premises",
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("write_off", "Can ask for a debt to be written off"),
                    ("approve_write_off", "Can approve that a debt is written off"),
                    ("adjust", "Can ask for a debt to be adjusted"),
                    ("approve_adjustment", "Can approve the adjustment of a debt"),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("balance_minor__gt", 0)),
                        fields=["customer"],
                        name="debt_open_of_customer",
                    ),
                    models.Index(
                        condition=models.Q(("balance_minor__gt", 0)),
                        fields=["premises"],
                        name="debt_open_of_premises",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("customer__isnull", True),
                            ("premises__isnull", True),
                            _connector="XOR",
                        ),
                        name="debt_of_a_customer_or_a_premises",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("balance_minor__gte", 0)), name="debt_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("percent__gte", 0), ("percent__lte", 100)),
                        name="debt_percent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount_minor__gte", 0), ("instalments__gte", 1), ("priority__gte", 1)
                        ),
                        name="debt_terms",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EnergyFloor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("percent", models.DecimalField(decimal_places=2, max_digits=5)),
                ("valid_from", models.DateTimeField(db_index=True)),
                (
                    "set_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("percent__gte", 0), ("percent__lte", 100)),
                        name="energy_floor_percent",
                    )
                ],
            },
        ),
    ]
