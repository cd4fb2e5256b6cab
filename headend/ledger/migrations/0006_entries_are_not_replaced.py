"""SQLite deletes without asking its triggers where a row is inserted OR REPLACEs another."""

from django.db import migrations

from headend.config.triggers import never_replaced

TABLES = (
    "ledger_entry",
    "ledger_line",
    "ledger_checkpoint",
    "ledger_keptbalance",
)


class Migration(migrations.Migration):
    """Closes that way to change what is only ever added to."""

    dependencies = [("ledger", "0005_accounts_never_change")]

    operations = [never_replaced(table) for table in TABLES]
