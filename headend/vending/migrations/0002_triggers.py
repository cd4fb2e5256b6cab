"""The database itself refuses to change or delete what was sold."""

from django.db import migrations

from headend.config.triggers import append_only

TABLES = (
    "vending_sale",
    "vending_saleline",
    "vending_issuedtoken",
    "vending_tokendelivery",
    "vending_receiptcopy",
)


class Migration(migrations.Migration):
    """Makes every table of a sale append-only."""

    dependencies = [("vending", "0001_initial")]

    operations = [append_only(table) for table in TABLES]
