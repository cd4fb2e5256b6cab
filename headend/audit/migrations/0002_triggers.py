"""The record and its chain are only ever added to."""

from django.db import migrations

from headend.config.triggers import append_only

TABLES = (
    "audit_auditentry",
    "audit_link",
)


class Migration(migrations.Migration):
    """Closes the tables to changes."""

    dependencies = [("audit", "0001_initial")]

    operations = [append_only(table) for table in TABLES]
