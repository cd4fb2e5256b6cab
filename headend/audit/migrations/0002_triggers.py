"""The database itself refuses to change or delete what was written."""

from django.db import migrations

from headend.config.triggers import append_only


class Migration(migrations.Migration):
    """Makes the table append-only."""

    dependencies = [("audit", "0001_initial")]

    operations = [append_only("audit_auditentry")]
