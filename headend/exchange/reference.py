"""Generates the tables of docs/exchange.md from the columns of imports and exports."""

from __future__ import annotations

from headend.exchange.exportable import EXPORTS
from headend.exchange.kinds import KINDS, Kind

IMPORTS_HEADING = "## Columns of imports\n"
EXPORTS_HEADING = "## Columns of exports\n"


def with_columns(document: str) -> str:
    """Return the document with the tables of now under its last two headings."""
    before = document.partition(IMPORTS_HEADING)[0]
    imports = "\n".join(_of_kind(kind) for kind in KINDS.values())
    exports = "\n".join(
        f"| `{one.name}` | {', '.join(one.columns)} | {one.dated or ''} |"
        for one in EXPORTS.values()
    )
    return (
        f"{before}{IMPORTS_HEADING}\n{imports}\n{EXPORTS_HEADING}\n"
        f"| register | columns | a period is by |\n|---|---|---|\n{exports}\n"
    )


def _of_kind(kind: Kind) -> str:
    rows = [
        f"### {kind.title}: `{kind.name}`",
        "",
        f"{kind.purpose} Rows are told apart by {', '.join(f'`{name}`' for name in kind.key)}. "
        f"Needs {', '.join(f'`{one}`' for one in kind.permissions)}.",
        "",
        "| column | | such as |",
        "|---|---|---|",
    ]
    for column in kind.columns:
        needed = "needed; " if column.needed else ""
        rows.append(f"| {column.name} | {needed}{column.told} | {column.example} |")
    return "\n".join(rows) + "\n"
