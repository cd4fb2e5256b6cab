"""Balances are kept at checkpoints, so that nothing has to add up every line ever written."""

import django.db.models.deletion
from django.db import migrations, models

from headend.config.triggers import append_only


class Migration(migrations.Migration):
    """Checkpoints and what every account held at them; like the lines, nobody changes them."""

    dependencies = [
        ("ledger", "0003_account_names_come_from_the_chart"),
    ]

    operations = [
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("number", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("made_at", models.DateTimeField(db_index=True)),
                ("after_line", models.BigIntegerField(unique=True)),
                ("last_line", models.BigIntegerField(unique=True)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("last_line__gt", models.F("after_line"))),
                        name="ledger_checkpoint_has_lines",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("last_at__gte", models.F("first_at"))),
                        name="ledger_checkpoint_in_order",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="KeptBalance",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("balance_minor", models.BigIntegerField()),
                ("credits_minor", models.BigIntegerField()),
                ("lines", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="kept_balances",
                        to="ledger.account",
                    ),
                ),
                (
                    "checkpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="balances",
                        to="ledger.checkpoint",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "checkpoint"), name="ledger_kept_balance_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("credits_minor__gte", 0), ("lines__gt", 0)),
                        name="ledger_kept_balance_of_lines",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="proving", name="is_whole", field=models.BooleanField(default=True)
        ),
        migrations.AddField(
            model_name="proving", name="reached", field=models.JSONField(default=dict)
        ),
        append_only("ledger_checkpoint"),
        append_only("ledger_keptbalance"),
    ]
