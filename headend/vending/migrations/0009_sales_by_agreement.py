"""What an agreement bought is found by the agreement: a replaced meter ends no month.

On SQLite a changed column means a new table, which needs its triggers anew.
"""

import django.db.models.deletion
from django.db import migrations, models

from headend.config.triggers import append_only, open_to_change


class Migration(migrations.Migration):
    """Lets one index that is sorted by time take the place of the agreement's plain one."""

    dependencies = [("vending", "0008_key_changes")]

    operations = [
        open_to_change("vending_sale"),
        migrations.AlterField(
            "sale",
            "agreement",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="sales",
                to="customers.supplyagreement",
            ),
        ),
        migrations.AddIndex(
            "sale",
            models.Index(fields=["agreement", "-created_at"], name="sale_by_agreement"),
        ),
        append_only("vending_sale"),
    ]
