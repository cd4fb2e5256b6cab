"""An account that is put in with the key of another one would take over its lines."""

from django.db import migrations

from headend.config.triggers import never_replaced


class Migration(migrations.Migration):
    """Closes that way to rename an account on SQLite."""

    dependencies = [("ledger", "0006_entries_are_not_replaced")]

    operations = [never_replaced("ledger_account", by_key_only=True)]
