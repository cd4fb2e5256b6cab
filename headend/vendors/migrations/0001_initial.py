"""The tables as they are at the beginning."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates them."""

    initial = True

    dependencies = [
        ("accounts", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="Contract",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("discount", "Discount: pays less than the credit it gets"),
                            ("commission", "Commission: earns with each sale"),
                        ],
                        max_length=10,
                    ),
                ),
                ("percent", models.DecimalField(decimal_places=3, max_digits=6)),
                (
                    "tax",
                    models.CharField(
                        choices=[
                            ("none", "No tax: the vendor is not registered for it"),
                            ("included", "Included in the percentage"),
                            ("added", "Added to the percentage"),
                        ],
                        max_length=10,
                    ),
                ),
                ("tax_percent", models.DecimalField(decimal_places=3, default=0, max_digits=6)),
                ("credit_limit_minor", models.BigIntegerField(default=0)),
                ("largest_sale_minor", models.BigIntegerField(null=True)),
                ("valid_from", models.DateTimeField()),
                (
                    "agreed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("percent__gte", 0), ("percent__lt", 100), ("tax_percent__gte", 0)
                        ),
                        name="contract_percentages",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("credit_limit_minor__gte", 0)),
                        name="contract_credit_limit",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Vendor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, unique=True)),
                ("tax_number", models.CharField(blank=True, max_length=40)),
                ("phone", models.CharField(blank=True, max_length=40)),
                ("email", models.EmailField(blank=True, max_length=254)),
                ("currency", models.CharField(max_length=3)),
                ("status", models.CharField(default="active", max_length=10)),
                ("created_at", models.DateTimeField()),
                (
                    "contract",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vendors.contract",
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("act_for_utility", "Sells for the utility and sees what every vendor does"),
                    ("suspend", "Can suspend a vendor and let it sell again"),
                    ("buy_credit", "Can ask for credit that a vendor has paid for"),
                    ("approve_credit", "Can approve credit that a vendor has paid for"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Till",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                ("needs_shift", models.BooleanField(default=True)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "vendor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tills",
                        to="vendors.vendor",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("vendor", "name"), name="till_name_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("vendor", None)),
                        fields=("name",),
                        name="till_name_once_at_utility",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Shift",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("state", models.CharField(default="open", max_length=10)),
                ("opened_at", models.DateTimeField()),
                ("float_minor", models.BigIntegerField(default=0)),
                ("sales_count", models.PositiveIntegerField(default=0)),
                ("sold_minor", models.BigIntegerField(default=0)),
                ("paid_out_count", models.PositiveIntegerField(default=0)),
                ("paid_out_minor", models.BigIntegerField(default=0)),
                ("counted_minor", models.BigIntegerField(null=True)),
                ("counted_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("note", models.CharField(blank=True, max_length=300)),
                (
                    "closed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="shifts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "till",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="shifts",
                        to="vendors.till",
                    ),
                ),
                (
                    "vendor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="shifts",
                        to="vendors.vendor",
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("work_shift", "Can open, count and close their own shifts"),
                    ("close_any_shift", "Can close a shift whose cash differs"),
                    ("fill_safe", "Can fetch cash from the bank into the utility's safe"),
                    (
                        "sell_without_shift",
                        "Sells for the utility without a shift, as programs do",
                    ),
                ],
                "indexes": [models.Index(fields=["vendor", "-opened_at"], name="shift_by_vendor")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("open", "counted"))),
                        fields=("till",),
                        name="shift_one_at_a_till",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("open", "counted"))),
                        fields=("user",),
                        name="shift_one_of_a_user",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("float_minor__gte", 0),
                            ("paid_out_minor__gte", 0),
                            ("sold_minor__gte", 0),
                        ),
                        name="shift_amounts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("counted_minor", None), ("state", "open")),
                            models.Q(
                                ("counted_minor__gte", 0), ("state__in", ("counted", "closed"))
                            ),
                            _connector="OR",
                        ),
                        name="shift_counted_before_closed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Purse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("available_minor", models.BigIntegerField(default=0)),
                ("is_open", models.BooleanField(default=True)),
                (
                    "vendor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="purses",
                        to="vendors.vendor",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("vendor", "number"), name="purse_once"),
                    models.CheckConstraint(
                        condition=models.Q(("available_minor__gte", 0)),
                        name="purse_never_overdrawn",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Purchase",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("payment_reference", models.CharField(max_length=60, unique=True)),
                ("paid_minor", models.BigIntegerField()),
                ("credit_minor", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                (
                    "approved_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vendors.contract",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "vendor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="purchases",
                        to="vendors.vendor",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("credit_minor__gte", models.F("paid_minor")), ("paid_minor__gt", 0)
                        ),
                        name="purchase_gives_what_was_paid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("requested_by", models.F("approved_by")), _negated=True
                        ),
                        name="purchase_by_two_people",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Operator",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="vendor_operator",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "till",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vendors.till",
                    ),
                ),
                (
                    "vendor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="operators",
                        to="vendors.vendor",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="contract",
            name="vendor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="contracts",
                to="vendors.vendor",
            ),
        ),
    ]
