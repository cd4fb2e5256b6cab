"""Cash in other currencies is counted by itself."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates its table."""

    dependencies = [
        ("vendors", "0002_triggers"),
    ]

    operations = [
        migrations.CreateModel(
            name="OtherCash",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("float_minor", models.BigIntegerField(default=0)),
                ("sold_minor", models.BigIntegerField(default=0)),
                ("paid_out_minor", models.BigIntegerField(default=0)),
                ("counted_minor", models.BigIntegerField(null=True)),
                ("currency", models.CharField(max_length=3)),
                (
                    "shift",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="others",
                        to="vendors.shift",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "other cash",
                "ordering": ["currency"],
                "constraints": [
                    models.UniqueConstraint(fields=("shift", "currency"), name="other_cash_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("float_minor__gte", 0),
                            ("paid_out_minor__gte", 0),
                            ("sold_minor__gte", 0),
                        ),
                        name="other_cash_amounts",
                    ),
                ],
            },
        ),
    ]
