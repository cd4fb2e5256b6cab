"""What was settled is never changed."""

from django.db import migrations

from headend.config.triggers import append_only

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
    """Closes the tables to changes."""

    dependencies = [("supply", "0001_initial")]

    operations = [append_only(table) for table in TABLES]
