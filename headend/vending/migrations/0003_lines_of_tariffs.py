"""Receipts have lines for all that a tariff is made of; the database's own columns stay."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Names the new kinds. A change of choices alters no table, so its triggers stay."""

    dependencies = [("vending", "0002_triggers"), ("tariffs", "0005_only_rules")]

    operations = [
        migrations.AlterField(
            "saleline",
            "kind",
            models.CharField(
                choices=[
                    ("energy", "Energy"),
                    ("tax", "Tax"),
                    ("levy", "Levy"),
                    ("fee", "Fee"),
                    ("rebate", "Rebate"),
                    ("duty", "Duty"),
                    ("carried", "Carried"),
                    ("rounding", "Rounding"),
                ],
                max_length=10,
            ),
        ),
    ]
