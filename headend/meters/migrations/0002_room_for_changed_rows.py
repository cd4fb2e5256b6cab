"""Room on PostgreSQL's pages of meters for the row that each sale writes anew.

A sale notes the token identifier with its meter. Where a page has room for the new row, none of
the table's six indexes is told of it; without, each is, on pages that are read for nothing else.
"""

from django.db import migrations

from headend.config.triggers import sql


class Migration(migrations.Migration):
    dependencies = [("meters", "0001_initial")]

    operations = [
        sql(
            postgresql=["ALTER TABLE meters_meter SET (fillfactor = 85)"],
            undo_postgresql=["ALTER TABLE meters_meter RESET (fillfactor)"],
        ),
    ]
