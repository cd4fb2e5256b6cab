"""Receipts have lines for debts; the database's own columns stay."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Names the new kind. A change of choices alters no table, so its triggers stay."""

    dependencies = [("vending", "0003_lines_of_tariffs"), ("debts", "0001_initial")]

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
                    ("debt", "Debt"),
                    ("carried", "Carried"),
                    ("rounding", "Rounding"),
                ],
                max_length=10,
            ),
        ),
    ]
