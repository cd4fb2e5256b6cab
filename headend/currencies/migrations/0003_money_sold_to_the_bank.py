"""Money in other currencies that the bank bought; what was sold never changes."""

import django.db.models.deletion
from django.db import migrations, models

from headend.config.triggers import append_only


class Migration(migrations.Migration):
    """Creates the table and closes it to changes."""

    dependencies = [
        ("currencies", "0002_triggers"),
        ("ledger", "0003_account_names_come_from_the_chart"),
    ]

    operations = [
        migrations.CreateModel(
            name="SoldCash",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("place", models.CharField(max_length=40)),
                ("amount_minor", models.BigIntegerField()),
                ("worth_minor", models.BigIntegerField()),
                (
                    "currency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sold",
                        to="currencies.currency",
                        to_field="code",
                    ),
                ),
                (
                    "payment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sold_cash",
                        to="ledger.bankpayment",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "sold cash",
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gt", 0)), name="sold_cash_positive"
                    )
                ],
            },
        ),
        append_only("currencies_soldcash"),
    ]
