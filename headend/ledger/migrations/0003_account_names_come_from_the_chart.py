"""What an account is called is said in the chart; a stored name would stay as it was that day."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_triggers")]

    operations = [
        # Where this is undone the column comes back empty: names are not needed to know an account.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="account",
                    name="name",
                    field=models.CharField(max_length=120, null=True),
                )
            ]
        ),
        migrations.RemoveField(model_name="account", name="name"),
        migrations.AlterField(
            model_name="account",
            name="kind",
            field=models.CharField(
                choices=[
                    ("asset", "Assets"),
                    ("liability", "Liabilities"),
                    ("equity", "Equity"),
                    ("income", "Income"),
                    ("expense", "Expenses"),
                ],
                max_length=10,
            ),
        ),
    ]
