"""A vending key that was seen to be over stays so when the clock is set back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds when it was seen; no key was."""

    dependencies = [("securitymodule", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="vendingkey",
            name="seen_over_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
