"""An account keeps its code, currency and kind: every line on it means what it meant."""

from django.db import migrations

from headend.config.triggers import append_only


class Migration(migrations.Migration):
    """The trigger of accounts."""

    dependencies = [("ledger", "0004_balances_kept_at_checkpoints")]

    operations = [append_only("ledger_account", rows_are_locked=True)]
