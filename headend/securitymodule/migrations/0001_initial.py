"""The tables as they are at the beginning."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates them."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="LinkRoot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sgc", models.CharField(max_length=6, verbose_name="supply group code")),
                ("generation", models.PositiveSmallIntegerField()),
                ("sealed_key", models.BinaryField()),
                ("is_test", models.BooleanField(default=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("sgc", "generation"), name="link_root_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="VendingKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sgc", models.CharField(max_length=6, verbose_name="supply group code")),
                ("kt", models.PositiveSmallIntegerField(verbose_name="key type")),
                ("krn", models.PositiveSmallIntegerField(verbose_name="key revision number")),
                ("base_date", models.PositiveSmallIntegerField()),
                (
                    "ken",
                    models.PositiveSmallIntegerField(
                        default=255, verbose_name="key expiry number"
                    ),
                ),
                (
                    "dkga",
                    models.PositiveSmallIntegerField(
                        verbose_name="decoder key generation algorithm"
                    ),
                ),
                ("store", models.CharField(default="software", max_length=20)),
                ("sealed_key", models.BinaryField()),
                ("is_test", models.BooleanField(default=False)),
                ("active_from", models.DateTimeField()),
                ("active_until", models.DateTimeField(blank=True, null=True)),
                ("credit_ceiling_kwh", models.PositiveBigIntegerField(blank=True, null=True)),
            ],
            options={
                "permissions": [
                    ("load_keys", "Can load keys into the security module"),
                    ("approve_load_keys", "Can be the second person of a key ceremony"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("sgc", "kt", "krn", "base_date", "dkga"), name="vending_key_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ken__lte", 255),
                            ("krn__gte", 1),
                            ("krn__lte", 9),
                            ("kt__gte", 1),
                            ("kt__lte", 3),
                        ),
                        name="vending_key_attributes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("base_date__in", (1993, 2014, 2035))),
                        name="vending_key_base_date",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("dkga__in", (2, 4))), name="vending_key_algorithm"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="KeyAllowance",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("share", models.PositiveSmallIntegerField()),
                ("units_left", models.BigIntegerField()),
                (
                    "key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="allowances",
                        to="securitymodule.vendingkey",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("key", "share"), name="key_allowance_once"),
                    models.CheckConstraint(
                        condition=models.Q(("units_left__gte", 0)), name="key_allowance_left"
                    ),
                ],
            },
        ),
    ]
