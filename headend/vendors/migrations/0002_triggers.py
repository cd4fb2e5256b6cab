"""The database itself keeps contracts and purchases as they were agreed and approved."""

from django.db import migrations

from headend.config.triggers import append_only


class Migration(migrations.Migration):
    """Triggers of contracts and purchases."""

    dependencies = [("vendors", "0001_initial")]

    operations = [append_only("vendors_contract"), append_only("vendors_purchase")]
