"""What was sold, given and taken back is never changed."""

from django.db import migrations

from headend.config.triggers import append_only

TABLES = (
    "vending_sale",
    "vending_saleline",
    "vending_issuedtoken",
    "vending_tokendelivery",
    "vending_receiptcopy",
    "vending_freeamount",
    "vending_freegrant",
    "vending_openinguse",
    "vending_tokenhold",
    "vending_disclosure",
    "vending_reversal",
    "vending_reallocation",
)


class Migration(migrations.Migration):
    """Closes the tables to changes."""

    dependencies = [("vending", "0001_initial")]

    operations = [append_only(table) for table in TABLES]
