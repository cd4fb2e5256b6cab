"""The tables as they are at the beginning."""

import django.core.serializers.json
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates them."""

    initial = True

    dependencies = [
        ("accounts", "__first__"),
        ("vending", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="EngineeringToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=20)),
                (
                    "values",
                    models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                ("reason", models.CharField(max_length=300)),
                (
                    "approved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "ordered_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "replaces",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="vending.issuedtoken",
                    ),
                ),
                (
                    "token",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="engineering",
                        to="vending.issuedtoken",
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("issue_meter_test", "Can issue tests and displays"),
                    ("issue_power_limit", "Can issue maximum power limits"),
                    ("issue_clear_credit", "Can issue tokens that clear credit"),
                    ("issue_tariff_rate", "Can issue tariff rates"),
                    ("issue_clear_tamper", "Can issue tokens that clear tamper"),
                    ("issue_unbalance_limit", "Can issue phase unbalance limits"),
                    ("issue_water_factor", "Can issue water meter factors"),
                    ("issue_extended_set", "Can issue tokens of the extended set"),
                    ("issue_key_change", "Can change a meter's key"),
                    ("issue_replacement", "Can issue credit again under a meter's earlier key"),
                    ("approve_engineering_token", "Can approve tokens that others ask for"),
                    ("approve_key_change", "Can approve changes of a meter's key"),
                ],
                "default_permissions": ("view",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("approved_by", None),
                            models.Q(("approved_by", models.F("ordered_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="engineering_token_by_two_people",
                    )
                ],
            },
        ),
    ]
