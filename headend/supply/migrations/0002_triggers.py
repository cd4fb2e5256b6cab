"""The database itself refuses to change or delete what was settled."""

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
    """Makes every table of a settlement append-only."""

    dependencies = [("supply", "0001_initial")]

    operations = [append_only(table) for table in TABLES]
