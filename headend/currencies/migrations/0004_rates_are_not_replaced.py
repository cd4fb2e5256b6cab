"""SQLite deletes without asking its triggers where a row is inserted OR REPLACEs another."""

from django.db import migrations

from headend.config.triggers import never_replaced

TABLES = (
    "currencies_rate",
    "currencies_soldcash",
)


class Migration(migrations.Migration):
    """Closes that way to change what is only ever added to."""

    dependencies = [("currencies", "0003_money_sold_to_the_bank")]

    operations = [never_replaced(table) for table in TABLES]
