"""The tables as they are at the beginning."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates them."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ChoreRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=40, unique=True)),
                ("begun_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("told", models.CharField(blank=True, max_length=500)),
                ("is_well", models.BooleanField(default=True)),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                ("asked_at", models.DateTimeField(null=True)),
            ],
            options={
                "permissions": [("run_chore", "Can have a chore done at once")],
            },
        ),
    ]
