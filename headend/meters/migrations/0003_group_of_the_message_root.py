"""The supply group of whose message root a meter got its own, which a key change leaves.

For meters that are there: the group that they had before their first change of group.
"""

from django.db import migrations, models
from django.db.models import F


def fill(apps, schema_editor):
    """Note the group that each meter had when it was provisioned."""
    meter_model, change_model = (
        apps.get_model("meters", "Meter"),
        apps.get_model("meters", "KeyChange"),
    )
    meter_model.objects.update(link_sgc=F("sgc"))
    for change in change_model.objects.exclude(issued_at=None).order_by("-pk").iterator():
        meter_model.objects.filter(pk=change.meter_id).update(link_sgc=change.before["sgc"])


class Migration(migrations.Migration):
    dependencies = [("meters", "0002_room_for_changed_rows")]

    operations = [
        migrations.AddField(
            model_name="meter",
            name="link_sgc",
            field=models.CharField(blank=True, db_default="", default="", max_length=6),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
