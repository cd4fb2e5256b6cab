"""The tables as they are at the beginning."""

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
        ("vending", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Closing",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=20, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "waits for the closing registers"),
                            ("registers known", "can be settled"),
                            ("settled", "Settled"),
                            ("refunded", "Refunded"),
                        ],
                        default="open",
                        max_length=16,
                    ),
                ),
                ("reason", models.CharField(max_length=200)),
                ("started_at", models.DateTimeField()),
                ("energy_wh", models.BigIntegerField(null=True)),
                ("credit_wh", models.BigIntegerField(null=True)),
                (
                    "registers_source",
                    models.CharField(
                        blank=True,
                        choices=[("meter", "told by the meter"), ("person", "read at the meter")],
                        max_length=8,
                    ),
                ),
                ("registers_at", models.DateTimeField(null=True)),
                (
                    "cleared",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("command", "cleared by command"),
                            ("token", "cleared by an engineering token"),
                            ("person", "seen to by a person"),
                            ("bought", "bought by the next customer"),
                        ],
                        max_length=8,
                    ),
                ),
                ("cleared_at", models.DateTimeField(null=True)),
                ("cleared_note", models.CharField(blank=True, max_length=200)),
                (
                    "agreement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="closing",
                        to="customers.supplyagreement",
                    ),
                ),
                (
                    "cleared_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "command",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="closing",
                        to="fleet.command",
                    ),
                ),
                (
                    "registers_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("close_account", "Can close a customer's account"),
                    ("change_meter_credit", "Can say that a meter's credit was cleared"),
                ],
                "indexes": [models.Index(fields=["-started_at"], name="closing_by_start")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "open"),
                            models.Q(
                                ("credit_wh__isnull", False),
                                ("energy_wh__isnull", False),
                                ("registers_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="closing_registers_before_settlement",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("cleared", ""), ("cleared_at__isnull", False), _connector="OR"
                        ),
                        name="closing_cleared_when",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ModeSwitch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=20, unique=True)),
                (
                    "payment_mode",
                    models.CharField(
                        choices=[("prepayment", "Prepayment"), ("postpayment", "Postpayment")],
                        max_length=12,
                    ),
                ),
                ("switched_at", models.DateTimeField(db_index=True)),
                ("energy_wh", models.BigIntegerField()),
                ("credit_wh", models.BigIntegerField()),
                ("postpaid_wh", models.BigIntegerField()),
                (
                    "credit_treatment",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("kept", "stays on the meter: it is used up before energy is billed"),
                            ("refunded", "is taken off the meter and credited to the bill"),
                        ],
                        max_length=8,
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("credited_minor", models.BigIntegerField(default=0)),
                ("explanation", models.CharField(blank=True, max_length=200)),
                ("particulars", models.JSONField()),
                (
                    "agreement",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mode_switches",
                        to="customers.supplyagreement",
                    ),
                ),
                (
                    "command",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mode_switch",
                        to="fleet.command",
                    ),
                ),
                (
                    "meter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mode_switches",
                        to="meters.meter",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["meter", "-switched_at"], name="mode_switch_of_meter")
                ],
            },
        ),
        migrations.CreateModel(
            name="MoveIn",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("energy_wh", models.BigIntegerField()),
                ("credit_wh", models.BigIntegerField()),
                (
                    "registers_source",
                    models.CharField(
                        choices=[("meter", "told by the meter"), ("person", "read at the meter")],
                        max_length=8,
                    ),
                ),
                ("bought_minor", models.BigIntegerField(default=0)),
                ("premises_debts_minor", models.BigIntegerField(default=0)),
                ("moved_in_at", models.DateTimeField()),
                (
                    "agreement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="move_in",
                        to="customers.supplyagreement",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "former",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="followed_by",
                        to="supply.closing",
                    ),
                ),
            ],
            options={
                "permissions": [("move_in", "Can let a customer move in")],
            },
        ),
        migrations.CreateModel(
            name="Replacement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=20, unique=True)),
                ("replaced_at", models.DateTimeField()),
                ("reason", models.CharField(max_length=200)),
                ("new_energy_wh", models.BigIntegerField()),
                ("energy_wh", models.BigIntegerField(null=True)),
                ("credit_wh", models.BigIntegerField(null=True)),
                (
                    "registers_source",
                    models.CharField(
                        blank=True,
                        choices=[("meter", "told by the meter"), ("person", "read at the meter")],
                        max_length=8,
                    ),
                ),
                ("registers_at", models.DateTimeField(null=True)),
                ("transferred_at", models.DateTimeField(null=True)),
                (
                    "agreement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replacements",
                        to="customers.supplyagreement",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "new_meter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replacing",
                        to="meters.meter",
                    ),
                ),
                (
                    "old_meter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced",
                        to="meters.meter",
                    ),
                ),
                (
                    "registers_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "transfer_command",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="fleet.command",
                    ),
                ),
                (
                    "transfer_token",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vending.issuedtoken",
                    ),
                ),
                (
                    "transferred_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "permissions": [("replace_meter", "Can replace a meter and transfer its credit")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("old_meter", models.F("new_meter")), _negated=True),
                        name="replacement_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("transfer_token__isnull", True),
                            ("transfer_command__isnull", True),
                            _connector="OR",
                        ),
                        name="replacement_credit_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("transferred_at__isnull", True),
                            ("credit_wh__isnull", False),
                            _connector="OR",
                        ),
                        name="replacement_known_credit",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Rule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "valuation",
                    models.CharField(
                        choices=[
                            ("last_purchase", "as much as it cost in the last purchase"),
                            ("fixed", "a fixed price"),
                            ("nothing", "nothing: it is not refunded"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "price_minor_per_kwh",
                    models.DecimalField(blank=True, decimal_places=4, max_digits=12, null=True),
                ),
                ("premises_debts_settled", models.BooleanField(default=False)),
                ("refund_limit_minor", models.BigIntegerField(default=0)),
                (
                    "mode_credit",
                    models.CharField(
                        choices=[
                            ("kept", "stays on the meter: it is used up before energy is billed"),
                            ("refunded", "is taken off the meter and credited to the bill"),
                        ],
                        default="kept",
                        max_length=8,
                    ),
                ),
                ("valid_from", models.DateTimeField(db_index=True)),
                (
                    "set_by",
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
                            models.Q(("valuation", "fixed"), _negated=True),
                            ("price_minor_per_kwh__gte", 0),
                            _connector="OR",
                        ),
                        name="supply_rule_fixed_price",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("refund_limit_minor__gte", 0)),
                        name="supply_rule_refund_limit",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SecondIssue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("proof", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "new_token",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vending.issuedtoken",
                    ),
                ),
                (
                    "old_token",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vending.issuedtoken",
                    ),
                ),
                (
                    "replacement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="second_issues",
                        to="supply.replacement",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Settlement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("refund_minor", models.BigIntegerField()),
                ("owed_minor", models.BigIntegerField()),
                ("refund_limit_minor", models.BigIntegerField()),
                ("particulars", models.JSONField()),
                ("settled_at", models.DateTimeField(db_index=True)),
                (
                    "closing",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlement",
                        to="supply.closing",
                    ),
                ),
                (
                    "debt",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="debts.debt",
                    ),
                ),
                (
                    "settled_by",
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
                            models.Q(("owed_minor__gte", 0), ("refund_minor", 0)),
                            models.Q(("owed_minor", 0), ("refund_minor__gt", 0)),
                            _connector="OR",
                        ),
                        name="settlement_one_owes",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_minor", models.BigIntegerField()),
                (
                    "method",
                    models.CharField(
                        choices=[("cash", "In cash, from the safe"), ("bank", "By bank transfer")],
                        max_length=4,
                    ),
                ),
                ("reference", models.CharField(blank=True, max_length=60)),
                ("paid_at", models.DateTimeField()),
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
                    "paid_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "settlement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refund",
                        to="supply.settlement",
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("pay_refund", "Can pay a refund out"),
                    ("approve_refund", "Can approve that a large refund is paid out"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gt", 0)), name="refund_of_something"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("approved_by__isnull", True),
                            models.Q(("approved_by", models.F("paid_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="refund_by_two_people",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SettlementLine",
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
                            ("credit", "Credit"),
                            ("tax", "Tax"),
                            ("carried", "Carried"),
                            ("fee", "Fee"),
                            ("debt", "Debt"),
                            ("refund", "Refund"),
                            ("owed", "Owed"),
                        ],
                        max_length=8,
                    ),
                ),
                ("description", models.CharField(max_length=120)),
                ("explanation", models.CharField(blank=True, max_length=200)),
                ("amount_minor", models.BigIntegerField()),
                ("energy_wh", models.BigIntegerField(null=True)),
                ("account", models.CharField(max_length=80)),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="supply.settlement",
                    ),
                ),
            ],
            options={
                "ordering": ["settlement", "position"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("settlement", "position"), name="settlement_line_once"
                    )
                ],
            },
        ),
    ]
