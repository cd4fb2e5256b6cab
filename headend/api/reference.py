"""Generates the tables of operations and of webhooks' kinds in docs/ from the code."""

from __future__ import annotations

from headend.api.service import api
from headend.webhooks.kinds import KINDS

HEADING = "## Operations\n"
KINDS_HEADING = "## Kinds\n"


def operations() -> str:
    """Return the table: method, address, scope and what it does."""
    rows = ["| operation | scope | what it does |", "|---|---|---|"]
    schema = api.get_openapi_schema()
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            first_line = operation.get("description", "").split("\n")[0]
            scope = operation.get("x-scope", "")
            rows.append(
                f"| `{method.upper()} {path}` | {f'`{scope}`' if scope else 'none'} "
                f"| {first_line} |"
            )
    return "\n".join(rows) + "\n"


def with_operations(document: str) -> str:
    """Return the document with the table of now under its last heading."""
    before, heading, _ = document.partition(HEADING)
    return f"{before}{heading}{operations()}"


def kinds() -> str:
    """Return the table of webhooks' kinds: name, when, and what `data` says."""
    rows = ["| kind | when | `data` |", "|---|---|---|"]
    for name, kind in KINDS.items():
        fields = ", ".join(f"`{field}`" for field in kind.body.model_fields)
        rows.append(f"| `{name}` | {kind.purpose} | {fields} |")
    return "\n".join(rows) + "\n"


def with_kinds(document: str) -> str:
    """Return the document with the table of now under its last heading."""
    before, heading, _ = document.partition(KINDS_HEADING)
    return f"{before}{heading}{kinds()}"
