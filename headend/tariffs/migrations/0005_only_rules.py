"""The one price goes; versions can't be changed or deleted again."""

from decimal import Decimal

from django.db import migrations, models

from headend.config.triggers import append_only


class Migration(migrations.Migration):
    """Closes what `0003` opened."""

    dependencies = [("tariffs", "0004_prices_become_rules")]

    operations = [
        migrations.RemoveConstraint("tariffversion", "tariff_version_price"),
        migrations.RemoveConstraint("tariffversion", "tariff_version_tax"),
        migrations.RemoveConstraint("tariffversion", "tariff_version_energy_step"),
        # With a default the column can come back to a table that has rows.
        migrations.AlterField(
            "tariffversion",
            "price_minor_per_kwh",
            models.DecimalField(max_digits=14, decimal_places=6, default=Decimal(1)),
        ),
        migrations.RemoveField("tariffversion", "price_minor_per_kwh"),
        migrations.RemoveField("tariffversion", "tax_name"),
        migrations.RemoveField("tariffversion", "tax_percent"),
        migrations.RemoveField("tariffversion", "energy_step_wh"),
        migrations.AlterField("tariffversion", "rules", models.JSONField()),
        append_only("tariffs_tariffversion"),
    ]
