"""SQLite deletes without asking its triggers where a row is inserted OR REPLACEs another."""

from django.db import migrations

from headend.config.triggers import never_replaced

TABLES = (
    "vendors_contract",
    "vendors_purchase",
)


class Migration(migrations.Migration):
    """Closes that way to change what is only ever added to."""

    dependencies = [("vendors", "0004_wallet_watch")]

    operations = [never_replaced(table) for table in TABLES]
