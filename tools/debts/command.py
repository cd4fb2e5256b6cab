"""`prepay debts`: take over what customers owe from a sheet.

Exit status: 0 every row is in, 1 refused as a whole or in part, 2 wrong usage.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from tools.headend.answers import REFUSED, answering, as_json, print_facts


@click.group()
def debts() -> None:
    """Take over what customers owe."""


@debts.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would become of each row.")
@as_json
def import_(file: Path, dry_run: bool, json_wanted: bool) -> None:
    """Open the debts of a sheet (CSV), each reference once; docs/debts.md lists its columns."""
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.debts.imports import REFUSED as ROW_REFUSED
        from headend.debts.imports import import_debts

        try:
            text = file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise click.UsageError(f"{file} is no text in UTF-8; save it as CSV (UTF-8)") from None
        report = import_debts(text, by=console_user(), at=datetime.now(UTC), dry_run=dry_run)
        facts = {
            "dry_run": dry_run,
            "opened_minor": report.opened_minor,
            "rows": [asdict(row) for row in report.rows],
        }
        print_facts(json_wanted, facts, _report_text)
    if report.count(ROW_REFUSED):
        raise SystemExit(REFUSED)


def _report_text(facts: dict[str, Any]) -> str:
    rows = [
        f"row {row['row']:5}  {row['reference']:20}  {row['outcome']:13}  "
        f"{row['explanation'] or row['owner']}"
        for row in facts["rows"]
    ]
    opened = facts["opened_minor"]
    verb = "would be opened" if facts["dry_run"] else "opened"
    return "\n".join([*rows, f"{opened // 100}.{opened % 100:02d} {verb}."])
