"""SQLite deletes without asking its triggers where a row is inserted OR REPLACEs another."""

from django.db import migrations

from headend.config.triggers import never_replaced

TABLES = (
    "audit_auditentry",
    "audit_link",
)


class Migration(migrations.Migration):
    """Closes that way to change what is only ever added to."""

    dependencies = [("audit", "0002_triggers")]

    operations = [never_replaced(table) for table in TABLES]
