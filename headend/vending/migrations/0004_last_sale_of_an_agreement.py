"""The sale made last under an agreement is found by its number, not by what the clock said."""

import django.db.models.deletion
from django.db import migrations, models

from headend.config.triggers import append_only, open_to_change


class Migration(migrations.Migration):
    """Adds that index in the place of one that another began with already."""

    dependencies = [("meters", "0001_initial"), ("vending", "0003_paid_in_another_currency")]

    operations = [
        open_to_change("vending_sale"),
        migrations.AlterField(
            model_name="sale",
            name="meter",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="sales",
                to="meters.meter",
            ),
        ),
        migrations.AddIndex(
            model_name="sale",
            index=models.Index(fields=["agreement", "-id"], name="sale_last_of_agreement"),
        ),
        append_only("vending_sale"),
    ]
