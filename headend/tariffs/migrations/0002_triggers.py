"""A tariff version never changes."""

from django.db import migrations

from headend.config.triggers import append_only

TABLES = ("tariffs_tariffversion",)


class Migration(migrations.Migration):
    """Closes the tables to changes."""

    dependencies = [("tariffs", "0001_initial")]

    operations = [append_only(table) for table in TABLES]
