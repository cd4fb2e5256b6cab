"""What was agreed and bought is never changed."""

from django.db import migrations

from headend.config.triggers import append_only

TABLES = (
    "vendors_contract",
    "vendors_purchase",
)


class Migration(migrations.Migration):
    """Closes the tables to changes."""

    dependencies = [("vendors", "0001_initial")]

    operations = [append_only(table) for table in TABLES]
