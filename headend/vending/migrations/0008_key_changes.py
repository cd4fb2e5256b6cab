"""Tokens of key changes, which several sales may hand out and one command delivers."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from headend.config.triggers import append_only, open_to_change


class Migration(migrations.Migration):
    """Adds the link to key changes; rebuilds the table of deliveries and closes it again."""

    dependencies = [
        ("fleet", "0001_initial"),
        ("meters", "0002_key_changes"),
        ("vending", "0007_reversals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="issuedtoken",
            name="key_change",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tokens",
                to="meters.keychange",
            ),
        ),
        open_to_change("vending_tokendelivery"),
        migrations.AlterField(
            model_name="tokendelivery",
            name="command",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="delivers",
                to="fleet.command",
            ),
        ),
        migrations.AddIndex(
            model_name="issuedtoken",
            index=models.Index(
                condition=models.Q(("key_change__isnull", False)),
                fields=["key_change"],
                name="token_by_key_change",
            ),
        ),
        migrations.AddConstraint(
            model_name="tokendelivery",
            constraint=models.UniqueConstraint(
                fields=("token", "command"), name="token_delivery_once"
            ),
        ),
        append_only("vending_tokendelivery"),
    ]
