"""The database itself keeps the ledger balanced and unchanged."""

from django.db import migrations

from headend.config.triggers import append_only, sql

UNBALANCED = "the lines of a ledger entry must add up to zero in each currency"
POSTED = "a posted ledger entry takes no more lines"
CURRENCY = "a ledger line has the currency of its account"

BALANCED = sql(
    sqlite=[
        f"""CREATE TRIGGER ledger_entry_balanced BEFORE INSERT ON ledger_entry
        BEGIN
            SELECT RAISE(ABORT, '{UNBALANCED}')
            WHERE NOT EXISTS (SELECT 1 FROM ledger_line WHERE entry_id = NEW.id)
               OR EXISTS (
                SELECT 1 FROM ledger_line WHERE entry_id = NEW.id
                GROUP BY currency HAVING SUM(amount_minor) <> 0);
        END""",
        f"""CREATE TRIGGER ledger_line_before_entry BEFORE INSERT ON ledger_line
        BEGIN
            SELECT RAISE(ABORT, '{POSTED}')
            WHERE EXISTS (SELECT 1 FROM ledger_entry WHERE id = NEW.entry_id);
            SELECT RAISE(ABORT, '{CURRENCY}')
            WHERE NEW.currency <> (
                SELECT currency FROM ledger_account WHERE id = NEW.account_id);
        END""",
    ],
    undo_sqlite=[
        "DROP TRIGGER ledger_entry_balanced",
        "DROP TRIGGER ledger_line_before_entry",
    ],
    # PostgreSQL has several writers: a line slipped in by another transaction while the entry was
    # not yet visible to it is caught when that transaction commits.
    postgresql=[
        f"""CREATE FUNCTION ledger_require_balance(entry bigint) RETURNS void
        LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM ledger_line WHERE entry_id = entry)
               OR EXISTS (
                SELECT 1 FROM ledger_line WHERE entry_id = entry
                GROUP BY currency HAVING SUM(amount_minor) <> 0)
            THEN
                RAISE EXCEPTION '{UNBALANCED}'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
        END $$""",
        """CREATE FUNCTION ledger_check_entry() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM ledger_require_balance(NEW.id);
            RETURN NEW;
        END $$""",
        f"""CREATE FUNCTION ledger_check_line() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT 1 FROM ledger_entry WHERE id = NEW.entry_id) THEN
                RAISE EXCEPTION '{POSTED}' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF NEW.currency <> (SELECT currency FROM ledger_account WHERE id = NEW.account_id)
            THEN
                RAISE EXCEPTION '{CURRENCY}' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$""",
        """CREATE FUNCTION ledger_check_line_again() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM ledger_require_balance(NEW.entry_id);
            RETURN NULL;
        END $$""",
        """CREATE TRIGGER ledger_entry_balanced BEFORE INSERT ON ledger_entry
        FOR EACH ROW EXECUTE FUNCTION ledger_check_entry()""",
        """CREATE TRIGGER ledger_line_before_entry BEFORE INSERT ON ledger_line
        FOR EACH ROW EXECUTE FUNCTION ledger_check_line()""",
        """CREATE CONSTRAINT TRIGGER ledger_line_balanced AFTER INSERT ON ledger_line
        DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION ledger_check_line_again()""",
    ],
    undo_postgresql=[
        "DROP TRIGGER ledger_line_balanced ON ledger_line",
        "DROP TRIGGER ledger_line_before_entry ON ledger_line",
        "DROP TRIGGER ledger_entry_balanced ON ledger_entry",
        "DROP FUNCTION ledger_check_line_again()",
        "DROP FUNCTION ledger_check_line()",
        "DROP FUNCTION ledger_check_entry()",
        "DROP FUNCTION ledger_require_balance(bigint)",
    ],
)


class Migration(migrations.Migration):
    """Triggers of entries and lines."""

    dependencies = [("ledger", "0001_initial")]

    operations = [BALANCED, append_only("ledger_entry"), append_only("ledger_line")]
