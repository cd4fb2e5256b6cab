"""What became of the credit of a replaced meter, and of credit put on a bill."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from headend.config.triggers import append_only, open_to_change


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0001_initial"),
        ("fleet", "0001_initial"),
        ("meters", "0001_initial"),
        ("supply", "0002_triggers"),
        ("vending", "0002_triggers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        open_to_change("supply_modeswitch"),  # SQLite builds the table anew, without its triggers
        migrations.RemoveConstraint(
            model_name="replacement",
            name="replacement_credit_once",
        ),
        migrations.AddField(
            model_name="modeswitch",
            name="take_off",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="credited_by",
                to="fleet.command",
            ),
        ),
        migrations.AddField(
            model_name="replacement",
            name="settlement",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="replacements",
                to="supply.settlement",
            ),
        ),
        migrations.AlterField(
            model_name="settlementline",
            name="kind",
            field=models.CharField(
                choices=[
                    ("credit", "Credit"),
                    ("tax", "Tax"),
                    ("replaced", "Replaced"),
                    ("carried", "Carried"),
                    ("fee", "Fee"),
                    ("debt", "Debt"),
                    ("refund", "Refund"),
                    ("owed", "Owed"),
                ],
                max_length=8,
            ),
        ),
        migrations.AddConstraint(
            model_name="replacement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("transfer_command__isnull", True), ("transfer_token__isnull", True)),
                    models.Q(("settlement__isnull", True), ("transfer_token__isnull", True)),
                    models.Q(("settlement__isnull", True), ("transfer_command__isnull", True)),
                    _connector="OR",
                ),
                name="replacement_credit_once",
            ),
        ),
        append_only("supply_modeswitch"),
    ]
