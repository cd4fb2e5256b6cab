"""Every shift has its user; the operator is not needed any more."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Apart from the one before: PostgreSQL alters no table whose rows the same transaction changed."""

    dependencies = [("vendors", "0003_shifts_of_the_utility")]

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
