"""An exchange rate never changes."""

from django.db import migrations

from headend.config.triggers import append_only

TABLES = ("currencies_rate",)


class Migration(migrations.Migration):
    """Closes the tables to changes."""

    dependencies = [("currencies", "0001_initial")]

    operations = [append_only(table) for table in TABLES]
