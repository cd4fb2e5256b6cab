"""Tills and shifts of the utility itself; cash that is given back counts in a shift."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


def users_of_operators(apps, schema_editor):
    """A shift was an operator's; it is that operator's user's."""
    for shift in apps.get_model("vendors", "Shift").objects.select_related("operator").iterator():
        shift.user_id = shift.operator.user_id
        shift.save(update_fields=["user"])


def operators_of_users(apps, schema_editor):
    """Back again; a shift at the utility's own till has no operator and makes this impossible."""
    operators = apps.get_model("vendors", "Operator").objects
    for shift in apps.get_model("vendors", "Shift").objects.iterator():
        shift.operator = operators.get(user=shift.user_id)
        shift.save(update_fields=["operator"])


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
        migrations.RunPython(users_of_operators, operators_of_users),
    ]
