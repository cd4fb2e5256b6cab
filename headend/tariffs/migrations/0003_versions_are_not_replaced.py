"""SQLite deletes without asking its triggers where a row is inserted OR REPLACEs another."""

from django.db import migrations

from headend.config.triggers import sql

_TABLE = "tariffs_tariffversion"


class Migration(migrations.Migration):
    """Closes that way to change a version."""

    dependencies = [("tariffs", "0002_triggers")]

    operations = [
        sql(
            sqlite=[
                f"""CREATE TRIGGER {_TABLE}_no_replace BEFORE INSERT ON {_TABLE}
                    WHEN EXISTS (
                        SELECT 1 FROM {_TABLE} WHERE id = NEW.id
                        OR (tariff_id = NEW.tariff_id AND valid_from = NEW.valid_from)
                    )
                    BEGIN SELECT RAISE(ABORT, '{_TABLE} is append-only'); END"""
            ],
            undo_sqlite=[f"DROP TRIGGER IF EXISTS {_TABLE}_no_replace"],
        )
    ]
