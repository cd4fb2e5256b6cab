"""The size of a connection, which some tariffs ask for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds a field that may be unknown."""

    dependencies = [("customers", "0001_initial")]

    operations = [
        migrations.AddField(
            "supplyagreement",
            "connection_va",
            models.PositiveIntegerField(null=True, blank=True),
        ),
    ]
