"""What was taken back or moved, and which tokens were kept back until they were disclosed."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from headend.config.triggers import append_only

TABLES = (
    "vending_tokenhold",
    "vending_disclosure",
    "vending_reversal",
    "vending_reallocation",
)


class Migration(migrations.Migration):
    """Creates the tables and makes them append-only."""

    dependencies = [
        ("debts", "0001_initial"),
        ("vending", "0006_free_electricity"),
        ("vendors", "0002_triggers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Disclosure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "how",
                    models.CharField(
                        choices=[
                            ("shown", "shown on a page"),
                            ("returned", "returned to a program"),
                            ("printed", "printed on a copy of the receipt"),
                            ("sent", "sent to the meter"),
                        ],
                        max_length=10,
                    ),
                ),
                ("disclosed_at", models.DateTimeField()),
                (
                    "disclosed_to",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "sale",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disclosure",
                        to="vending.sale",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TokenHold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("held_at", models.DateTimeField()),
                (
                    "sale",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hold",
                        to="vending.sale",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Reallocation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "bearer",
                    models.CharField(
                        choices=[
                            ("nobody", "Nobody: the first sale is reversed"),
                            ("customer", "The customer of the first meter, as a debt"),
                            ("utility", "The utility, as a loss"),
                        ],
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(max_length=200)),
                ("reallocated_at", models.DateTimeField()),
                (
                    "approved_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "debt",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="debts.debt",
                    ),
                ),
                (
                    "new_sale",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reallocated_from",
                        to="vending.sale",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "sale",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reallocation",
                        to="vending.sale",
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("reallocate", "Can ask for a sale to be moved to another meter"),
                    ("approve_reallocation", "Can approve that a sale is moved to another meter"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("requested_by", models.F("approved_by")), _negated=True
                        ),
                        name="reallocation_by_two_people",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("bearer", "customer"), ("debt__isnull", False)),
                            models.Q(
                                models.Q(("bearer", "customer"), _negated=True),
                                ("debt__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="reallocation_debt_of_customer",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reversal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("caller", models.CharField(max_length=64)),
                ("message_id", models.CharField(max_length=64)),
                (
                    "basis",
                    models.CharField(
                        choices=[
                            ("no_token", "The sale gave no token"),
                            ("not_disclosed", "Nobody has seen the token"),
                            ("proved_unused", "The meter proves that the token was never used"),
                        ],
                        max_length=14,
                    ),
                ),
                ("evidence", models.JSONField(default=dict)),
                ("reason", models.CharField(max_length=200)),
                ("reversed_at", models.DateTimeField(db_index=True)),
                (
                    "reversed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "sale",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversal",
                        to="vending.sale",
                    ),
                ),
                (
                    "shift",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversals",
                        to="vendors.shift",
                    ),
                ),
                (
                    "till",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vendors.till",
                    ),
                ),
            ],
            options={
                "permissions": [("reverse", "Can reverse a sale")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("caller", "message_id"), name="reversal_message_once"
                    )
                ],
            },
        ),
        *(append_only(table) for table in TABLES),
    ]
