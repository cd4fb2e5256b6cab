"""What was ordered is never changed."""

from django.db import migrations

from headend.config.triggers import append_only

TABLES = ("engineering_engineeringtoken",)


class Migration(migrations.Migration):
    """Closes the tables to changes."""

    dependencies = [("engineering", "0001_initial")]

    operations = [append_only(table) for table in TABLES]
