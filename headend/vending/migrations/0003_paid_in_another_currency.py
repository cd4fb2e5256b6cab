"""A sale may be paid in another currency than the base one."""

import django.db.models.deletion
from django.db import migrations, models

from headend.config.triggers import append_only, open_to_change


class Migration(migrations.Migration):
    """Adds what was handed over and at which rate; none of the sales before has that."""

    dependencies = [("currencies", "0001_initial"), ("vending", "0002_triggers")]

    operations = [
        open_to_change("vending_sale"),
        migrations.AddField(
            model_name="sale",
            name="exchange_rate",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="sales",
                to="currencies.rate",
            ),
        ),
        migrations.AddField(
            model_name="sale",
            name="paid_minor",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddIndex(
            model_name="sale",
            index=models.Index(
                condition=models.Q(("exchange_rate__isnull", False)),
                fields=["exchange_rate"],
                name="sale_by_exchange_rate",
            ),
        ),
        migrations.AddConstraint(
            model_name="sale",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("exchange_rate", None), ("paid_minor", None)),
                    models.Q(("exchange_rate__isnull", False), ("paid_minor__gt", 0)),
                    _connector="OR",
                ),
                name="sale_paid_at_a_rate",
            ),
        ),
        append_only("vending_sale"),
    ]
