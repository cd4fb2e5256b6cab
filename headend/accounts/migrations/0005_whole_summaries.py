"""Who approves reads all of what was asked for."""

from importlib import import_module

from django.db import migrations, models

from headend.config.triggers import lifted

(GUARD,) = import_module("headend.accounts.migrations.0002_triggers").Migration.operations


class Migration(migrations.Migration):
    """Makes room for long summaries."""

    dependencies = [
        ("accounts", "0004_one_time_passwords"),
    ]

    operations = [
        lifted(GUARD),  # SQLite builds the table anew, without its triggers
        migrations.AlterField(
            model_name="approval",
            name="summary",
            field=models.CharField(max_length=4000),
        ),
        GUARD,
    ]
