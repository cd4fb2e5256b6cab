"""SQLite deletes without asking its triggers where a row is inserted OR REPLACEs another."""

from django.db import migrations

from headend.config.triggers import never_replaced

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
    """Closes that way to change what is only ever added to."""

    dependencies = [("vending", "0004_last_sale_of_an_agreement")]

    operations = [never_replaced(table) for table in TABLES]
