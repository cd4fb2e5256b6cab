"""The database tells by a number whether the terms of sale are as they were; see config.terms."""

from django.db import migrations

from headend.config.triggers import sql

# Every table that a statement with `keeps` reads. A test compares the two.
OF_TERMS = (
    "accounts_user",
    "accounts_user_groups",
    "accounts_user_user_permissions",
    "api_apikey",
    "auth_group_permissions",
    "securitymodule_vendingkey",
    "tariffs_tariff",
    "tariffs_tariffversion",
    "vendors_contract",
    "vendors_operator",
    "vendors_till",
    "vendors_vendor",
)
# That a key was used or somebody logged in changes no terms: it must neither have everything read
# again nor wait for whoever is changing some. These are all columns but that one.
UPDATED = {
    "accounts_user": (
        "id, password, is_superuser, username, first_name, last_name, email, is_staff, is_active, "
        "date_joined"
    ),
    "api_apikey": (
        "id, program_id, name, prefix, secret_hash, scopes, largest_tender_minor, "
        "daily_tender_minor, requests_per_minute, created_by_id, created_at, expires_at, "
        "revoked_at"
    ),
}
EVENTS = ("INSERT", "UPDATE", "DELETE")
# By chance, not counted on: the number of a transaction that was taken back never comes again.
_NEXT = "UPDATE api_edition SET number = {chance}"
_ON_SQLITE = _NEXT.format(chance="random()")
_ON_POSTGRESQL = _NEXT.format(chance="CAST(random() * 9e18 AS bigint)")


def _update(table: str) -> str:
    """Return which updates of a table count."""
    return f"UPDATE OF {UPDATED[table]}" if table in UPDATED else "UPDATE"


class Migration(migrations.Migration):
    """Adds the number, and the triggers that change it."""

    dependencies = [
        ("accounts", "0003_who_answers_for_privileged_people"),
        ("api", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("securitymodule", "0002_key_seen_over"),
        ("tariffs", "0002_triggers"),
        ("vendors", "0004_wallet_watch"),
    ]

    operations = [
        sql(
            sqlite=[
                "CREATE TABLE api_edition (number bigint NOT NULL)",
                "INSERT INTO api_edition VALUES (random())",
                *(
                    f"CREATE TRIGGER {table}_{event.lower()}_makes_edition "
                    f"AFTER {_update(table) if event == 'UPDATE' else event} ON {table} "
                    f"BEGIN {_ON_SQLITE}; END"
                    for table in OF_TERMS
                    for event in EVENTS
                ),
            ],
            postgresql=[
                "CREATE TABLE api_edition (number bigint NOT NULL)",
                "INSERT INTO api_edition VALUES (CAST(random() * 9e18 AS bigint))",
                f"""CREATE FUNCTION api_make_edition() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        {_ON_POSTGRESQL};
                        RETURN NULL;
                    END $$""",
                *(
                    f"""CREATE TRIGGER {table}_makes_edition
                    AFTER INSERT OR {_update(table)} OR DELETE OR TRUNCATE ON {table}
                    FOR EACH STATEMENT EXECUTE FUNCTION api_make_edition()"""
                    for table in OF_TERMS
                ),
            ],
            undo_sqlite=[
                *(
                    f"DROP TRIGGER IF EXISTS {table}_{event.lower()}_makes_edition"
                    for table in OF_TERMS
                    for event in EVENTS
                ),
                "DROP TABLE api_edition",
            ],
            undo_postgresql=[
                *(f"DROP TRIGGER {table}_makes_edition ON {table}" for table in OF_TERMS),
                "DROP FUNCTION api_make_edition()",
                "DROP TABLE api_edition",
            ],
        )
    ]
