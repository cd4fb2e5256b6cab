"""The database itself keeps what was asked for, and every decision, as they were."""

from django.db import migrations

from headend.config.triggers import sql

FIXED = "what was asked for does not change, and a decision is final"
KEPT = "accounts_approval keeps its rows"
SAME = " OR ".join(
    f"NEW.{column} IS DISTINCT FROM OLD.{column}"
    for column in ("act", "summary", "reason", "requested_by_id", "requested_at")
)
CHANGED = f"OLD.state <> 'open' OR {SAME} OR NEW.arguments"


class Migration(migrations.Migration):
    """Triggers of approvals."""

    dependencies = [("accounts", "0001_initial")]

    operations = [
        sql(
            sqlite=[
                f"""CREATE TRIGGER accounts_approval_fixed BEFORE UPDATE ON accounts_approval
                WHEN {CHANGED.replace("IS DISTINCT FROM", "IS NOT")} IS NOT OLD.arguments
                BEGIN SELECT RAISE(ABORT, '{FIXED}'); END""",
                f"""CREATE TRIGGER accounts_approval_kept BEFORE DELETE ON accounts_approval
                BEGIN SELECT RAISE(ABORT, '{KEPT}'); END""",
            ],
            undo_sqlite=[
                "DROP TRIGGER accounts_approval_fixed",
                "DROP TRIGGER accounts_approval_kept",
            ],
            postgresql=[
                f"""CREATE FUNCTION accounts_approval_refuse() RETURNS trigger
                LANGUAGE plpgsql AS $$
                BEGIN
                    IF TG_OP = 'DELETE' THEN
                        RAISE EXCEPTION '{KEPT}'
                            USING ERRCODE = 'integrity_constraint_violation';
                    END IF;
                    IF {CHANGED} IS DISTINCT FROM OLD.arguments THEN
                        RAISE EXCEPTION '{FIXED}'
                            USING ERRCODE = 'integrity_constraint_violation';
                    END IF;
                    RETURN NEW;
                END $$""",
                """CREATE TRIGGER accounts_approval_fixed BEFORE UPDATE OR DELETE
                ON accounts_approval FOR EACH ROW EXECUTE FUNCTION accounts_approval_refuse()""",
            ],
            undo_postgresql=[
                "DROP TRIGGER accounts_approval_fixed ON accounts_approval",
                "DROP FUNCTION accounts_approval_refuse()",
            ],
        )
    ]
