"""Indexes for finding a customer or an address by any part of it, and for the list by name.

SQLite has no such index and looks through all; there a base is small. PostgreSQL's extension
pg_trgm comes with it (on some systems in a package `postgresql-contrib`).
"""

from django.db import migrations, models

from headend.config.triggers import sql

_BARE = "phone"
for _sign in " -()./":
    _BARE = f"replace({_BARE}, '{_sign}', '')"

_INDEXES = {
    "customer_name_parts": ("customers_customer", "upper(name::text)"),
    "customer_email_parts": ("customers_customer", "upper(email::text)"),
    "customer_phone_digits": ("customers_customer", _BARE),
    "premises_address_parts": ("customers_premises", "upper(address::text)"),
}


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(fields=["name", "id"], name="customer_by_name"),
        ),
        sql(
            postgresql=[
                "CREATE EXTENSION IF NOT EXISTS pg_trgm",
                *(
                    f"CREATE INDEX {name} ON {table} USING gin ({of} gin_trgm_ops)"
                    for name, (table, of) in _INDEXES.items()
                ),
            ],
            # The extension stays: others may use it.
            undo_postgresql=[f"DROP INDEX {name}" for name in _INDEXES],
        ),
    ]
