"""Tills and shifts of the utility itself: they have no vendor."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Shifts belong to users."""

    dependencies = [
        ("vendors", "0002_triggers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="shift",
            options={
                "permissions": [
                    ("work_shift", "Can open, count and close their own shifts"),
                    ("close_any_shift", "Can close a shift whose cash differs"),
                    (
                        "sell_without_shift",
                        "Sells for the utility without a shift, as programs do",
                    ),
                ]
            },
        ),
        migrations.AlterField(
            model_name="till",
            name="vendor",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tills",
                to="vendors.vendor",
            ),
        ),
        migrations.AddConstraint(
            model_name="till",
            constraint=models.UniqueConstraint(
                condition=Q(vendor=None), fields=("name",), name="till_name_once_at_utility"
            ),
        ),
        migrations.RemoveConstraint(model_name="shift", name="shift_one_of_an_operator"),
        migrations.RemoveConstraint(model_name="shift", name="shift_amounts"),
        migrations.AddField(
            model_name="shift",
            name="user",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="shifts",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="shift",
            name="operator",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="shifts",
                to="vendors.operator",
            ),
        ),
        migrations.AlterField(
            model_name="shift",
            name="vendor",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="shifts",
                to="vendors.vendor",
            ),
        ),
    ]
