"""A shift has its user and no operator; cash that is given back counts in it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Apart from the one before, which changed rows of the tables that this one alters."""

    dependencies = [("vendors", "0004_shifts_of_users")]

    operations = [
        migrations.RemoveField(model_name="shift", name="operator"),
        migrations.AlterField(
            model_name="shift",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="shifts",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="shift",
            name="paid_out_count",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="shift",
            name="paid_out_minor",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddConstraint(
            model_name="shift",
            constraint=models.UniqueConstraint(
                condition=Q(state__in=("open", "counted")),
                fields=("user",),
                name="shift_one_of_a_user",
            ),
        ),
        migrations.AddConstraint(
            model_name="shift",
            constraint=models.CheckConstraint(
                condition=Q(float_minor__gte=0, paid_out_minor__gte=0, sold_minor__gte=0),
                name="shift_amounts",
            ),
        ),
    ]
