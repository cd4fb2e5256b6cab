"""A shift was an operator's; it is that operator's user's.

Going back, what is the utility's own becomes that of a vendor made for it: before, tills and shifts
had to have one.
"""

from django.conf import settings
from django.db import migrations
from django.utils import timezone

OWN = "The utility's own tills"


def users_of_operators(apps, schema_editor):
    """Put the user in the operator's place."""
    for shift in apps.get_model("vendors", "Shift").objects.select_related("operator").iterator():
        shift.user_id = shift.operator.user_id
        shift.save(update_fields=["user"])


def operators_of_users(apps, schema_editor):
    """Give every till and shift a vendor, and every shift its operator."""
    tills, shifts, operators, vendors = (
        apps.get_model("vendors", name).objects for name in ("Till", "Shift", "Operator", "Vendor")
    )
    if tills.filter(vendor=None).exists():
        own, _ = vendors.get_or_create(
            name=OWN,
            defaults={"currency": settings.BASE_CURRENCY, "created_at": timezone.now()},
        )
        tills.filter(vendor=None).update(vendor=own)
        shifts.filter(vendor=None).update(vendor=own)
    for shift in shifts.filter(operator=None).iterator():
        shift.operator, _ = operators.get_or_create(
            user_id=shift.user_id, defaults={"vendor_id": shift.vendor_id, "is_active": False}
        )
        shift.save(update_fields=["operator"])


class Migration(migrations.Migration):
    """Only rows change."""

    dependencies = [("vendors", "0003_shifts_of_the_utility")]

    operations = [migrations.RunPython(users_of_operators, operators_of_users)]
