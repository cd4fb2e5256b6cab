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
        ("customers", "0001_initial"),
        ("debts", "0001_initial"),
        ("fleet", "0001_initial"),
        ("meters", "0001_initial"),
        ("tariffs", "0001_initial"),
        ("vendors", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="FreeProgramme",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=30, unique=True)),
                ("title", models.CharField(max_length=60)),
            ],
            options={
                "permissions": [
                    (
                        "register_free_programme",
                        "Can ask for a free electricity programme or amount",
                    ),
                    (
                        "approve_free_programme",
                        "Can approve a free electricity programme or amount",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FreeEnrolment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_month", models.DateField()),
                ("until_month", models.DateField(blank=True, null=True)),
                ("enrolled_at", models.DateTimeField()),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="free_enrolments",
                        to="customers.customer",
                    ),
                ),
                (
                    "enrolled_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "premises",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="free_enrolments",
                        to="customers.premises",
                    ),
                ),
                (
                    "programme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="enrolments",
                        to="vending.freeprogramme",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["customer", "premises"], name="free_enrolment_of")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("until_month__isnull", True)),
                        fields=("customer", "premises"),
                        name="one_open_free_enrolment",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("until_month__isnull", True),
                            ("until_month__gte", models.F("from_month")),
                            _connector="OR",
                        ),
                        name="free_enrolment_ends_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FreeAmount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_month", models.DateField()),
                ("energy_wh", models.PositiveIntegerField()),
                ("registered_at", models.DateTimeField()),
                (
                    "approved_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                    "programme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="amounts",
                        to="vending.freeprogramme",
                    ),
                ),
            ],
            options={
                "ordering": ["programme", "from_month"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("programme", "from_month"), name="free_amount_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IssuedToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("digits", models.CharField(max_length=20)),
                ("token_class", models.PositiveSmallIntegerField()),
                ("subclass", models.PositiveSmallIntegerField()),
                ("base_date", models.PositiveSmallIntegerField()),
                ("tid", models.PositiveIntegerField(null=True)),
                ("units", models.PositiveBigIntegerField(null=True)),
                ("krn", models.PositiveSmallIntegerField()),
                ("purpose", models.CharField(max_length=200)),
                ("issued_at", models.DateTimeField()),
                (
                    "issued_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "key_change",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tokens",
                        to="meters.keychange",
                    ),
                ),
                (
                    "meter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tokens",
                        to="meters.meter",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["digits"], name="token_by_digits"),
                    models.Index(
                        condition=models.Q(("key_change__isnull", False)),
                        fields=["key_change"],
                        name="token_by_key_change",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("meter", "base_date", "tid"), name="token_tid_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FreeGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("month", models.DateField()),
                ("energy_wh", models.PositiveIntegerField()),
                ("granted_at", models.DateTimeField()),
                (
                    "agreement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="free_grants",
                        to="customers.supplyagreement",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.customer",
                    ),
                ),
                (
                    "enrolment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to="vending.freeenrolment",
                    ),
                ),
                (
                    "granted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "premises",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.premises",
                    ),
                ),
                (
                    "token",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="free_grant",
                        to="vending.issuedtoken",
                    ),
                ),
            ],
            options={
                "permissions": [("grant_free_electricity", "Can give a month's free electricity")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("customer", "month"), name="free_once_a_customer"
                    ),
                    models.UniqueConstraint(
                        fields=("premises", "month"), name="free_once_a_premises"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OpeningUse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("as_of", models.DateTimeField()),
                ("issued_wh", models.PositiveBigIntegerField()),
                ("state", models.JSONField(default=dict)),
                ("recorded_at", models.DateTimeField()),
                (
                    "agreement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="opening_use",
                        to="customers.supplyagreement",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Sale",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("receipt_number", models.CharField(max_length=20, unique=True)),
                ("caller", models.CharField(max_length=64)),
                ("message_id", models.CharField(max_length=64)),
                ("request_digest", models.BinaryField(max_length=32)),
                ("tender_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("sold_wh", models.BigIntegerField()),
                ("issued_wh", models.BigIntegerField()),
                ("encoded_wh", models.BigIntegerField()),
                (
                    "calculation",
                    models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                ("particulars", models.JSONField()),
                ("created_at", models.DateTimeField(db_index=True)),
                (
                    "agreement",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sales",
                        to="customers.supplyagreement",
                    ),
                ),
                (
                    "meter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sales",
                        to="meters.meter",
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sales",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "shift",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sales",
                        to="vendors.shift",
                    ),
                ),
                (
                    "tariff_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sales",
                        to="tariffs.tariffversion",
                    ),
                ),
                (
                    "till",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vendors.till",
                    ),
                ),
                (
                    "vendor",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sales",
                        to="vendors.vendor",
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("vend", "Can vend"),
                    ("reprint_receipt", "Can print a copy of a receipt"),
                ],
                "indexes": [
                    models.Index(fields=["meter", "-created_at"], name="sale_by_meter"),
                    models.Index(fields=["agreement", "-created_at"], name="sale_by_agreement"),
                    models.Index(
                        condition=models.Q(("vendor__isnull", False)),
                        fields=["vendor", "-created_at"],
                        name="sale_by_vendor",
                    ),
                    models.Index(
                        condition=models.Q(("shift__isnull", False)),
                        fields=["shift"],
                        name="sale_by_shift",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("caller", "message_id"), name="sale_message_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("tender_minor__gt", 0)), name="sale_tender_positive"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reversal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("caller", models.CharField(max_length=64)),
                ("message_id", models.CharField(max_length=64)),
                (
                    "basis",
                    models.CharField(
                        choices=[
                            ("no_token", "The sale gave no token"),
                            ("not_disclosed", "Nobody has seen the token"),
                            ("proved_unused", "The meter proves that the token was never used"),
                        ],
                        max_length=14,
                    ),
                ),
                ("evidence", models.JSONField(default=dict)),
                ("reason", models.CharField(max_length=200)),
                ("reversed_at", models.DateTimeField(db_index=True)),
                (
                    "reversed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "shift",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversals",
                        to="vendors.shift",
                    ),
                ),
                (
                    "till",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vendors.till",
                    ),
                ),
                (
                    "sale",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversal",
                        to="vending.sale",
                    ),
                ),
            ],
            options={
                "permissions": [("reverse", "Can reverse a sale")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("caller", "message_id"), name="reversal_message_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ReceiptCopy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("printed_at", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=200)),
                (
                    "printed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "sale",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="copies",
                        to="vending.sale",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("sale", "number"), name="receipt_copy_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Reallocation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "bearer",
                    models.CharField(
                        choices=[
                            ("nobody", "Nobody: the first sale is reversed"),
                            ("customer", "The customer of the first meter, as a debt"),
                            ("utility", "The utility, as a loss"),
                        ],
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(max_length=200)),
                ("reallocated_at", models.DateTimeField()),
                (
                    "approved_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "debt",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="debts.debt",
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
                    "new_sale",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reallocated_from",
                        to="vending.sale",
                    ),
                ),
                (
                    "sale",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reallocation",
                        to="vending.sale",
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("reallocate", "Can ask for a sale to be moved to another meter"),
                    ("approve_reallocation", "Can approve that a sale is moved to another meter"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("requested_by", models.F("approved_by")), _negated=True
                        ),
                        name="reallocation_by_two_people",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("bearer", "customer"), ("debt__isnull", False)),
                            models.Q(
                                models.Q(("bearer", "customer"), _negated=True),
                                ("debt__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="reallocation_debt_of_customer",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="issuedtoken",
            name="sale",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tokens",
                to="vending.sale",
            ),
        ),
        migrations.CreateModel(
            name="Disclosure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "how",
                    models.CharField(
                        choices=[
                            ("shown", "shown on a page"),
                            ("returned", "returned to a program"),
                            ("printed", "printed on a copy of the receipt"),
                            ("sent", "sent to the meter"),
                        ],
                        max_length=10,
                    ),
                ),
                ("disclosed_at", models.DateTimeField()),
                (
                    "disclosed_to",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "sale",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disclosure",
                        to="vending.sale",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SaleLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("energy", "Energy"),
                            ("tax", "Tax"),
                            ("levy", "Levy"),
                            ("fee", "Fee"),
                            ("rebate", "Rebate"),
                            ("duty", "Duty"),
                            ("debt", "Debt"),
                            ("carried", "Carried"),
                            ("rounding", "Rounding"),
                        ],
                        max_length=10,
                    ),
                ),
                ("description", models.CharField(max_length=120)),
                ("amount_minor", models.BigIntegerField()),
                ("energy_wh", models.BigIntegerField(null=True)),
                (
                    "sale",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="vending.sale",
                    ),
                ),
            ],
            options={
                "ordering": ["sale", "position"],
                "constraints": [
                    models.UniqueConstraint(fields=("sale", "position"), name="sale_line_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="TokenDelivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "command",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="delivers",
                        to="fleet.command",
                    ),
                ),
                (
                    "token",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="vending.issuedtoken",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "token deliveries",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("token", "command"), name="token_delivery_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TokenHold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("held_at", models.DateTimeField()),
                (
                    "sale",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hold",
                        to="vending.sale",
                    ),
                ),
            ],
        ),
    ]
