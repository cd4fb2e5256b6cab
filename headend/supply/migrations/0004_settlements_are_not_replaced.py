"""SQLite deletes without asking its triggers where a row is inserted OR REPLACEs another."""

from django.db import migrations

from headend.config.triggers import never_replaced

TABLES = (
    "supply_rule",
    "supply_settlement",
    "supply_settlementline",
    "supply_refund",
    "supply_movein",
    "supply_secondissue",
    "supply_modeswitch",
)


class Migration(migrations.Migration):
    """Closes that way to change what is only ever added to."""

    dependencies = [("supply", "0003_credit_of_replaced_meters_settled")]

    operations = [never_replaced(table) for table in TABLES]
