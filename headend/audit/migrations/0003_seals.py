"""Entries are signed, those of before included, and sealed into a chain of links."""

import django.db.models.deletion
from django.db import migrations, models

from headend.audit import signing
from headend.config.triggers import append_only, lifted

CHUNK = 1000


def sign_what_is_there(apps, schema_editor):
    """Give each entry that was written before there were signatures one."""
    entries = apps.get_model("audit", "AuditEntry").objects
    for entry in entries.order_by("pk").iterator(chunk_size=CHUNK):
        entry.signature = signing.sign(entry, signing.own_key())
        entry.save(update_fields=["signature"])


class Migration(migrations.Migration):
    """Undone, it drops signatures and chain; the entries stay."""

    dependencies = [("audit", "0002_triggers")]

    operations = [
        lifted(append_only("audit_auditentry")),
        migrations.AddField(
            model_name="auditentry",
            name="signature",
            field=models.BinaryField(max_length=48, null=True),
        ),
        migrations.RunPython(sign_what_is_there, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="auditentry",
            name="signature",
            field=models.BinaryField(max_length=48),
        ),
        append_only("audit_auditentry"),
        migrations.CreateModel(
            name="Link",
            fields=[
                ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                ("sealed_at", models.DateTimeField(db_index=True)),
                ("content_hash", models.BinaryField(max_length=32)),
                ("chain_hash", models.BinaryField(max_length=32)),
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="link",
                        to="audit.auditentry",
                    ),
                ),
            ],
        ),
        append_only("audit_link"),
    ]
