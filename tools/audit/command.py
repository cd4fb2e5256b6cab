"""`prepay audit verify`: finds what was changed in the audit record directly in the database.

Exit status: 0 sound, 1 something was found, 2 asked wrongly, 3 the database does not answer.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import click

from tools.headend.django_setup import set_up_django

FOUND = 1
UNKNOWN = 3
KINDS = ("postgres", "postgresql", "sqlite")


@click.group()
def audit() -> None:
    """Verify the audit record."""


@audit.command()
@click.option("--database", help="Address of the database; default: this installation's.")
@click.option(
    "--seals",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the published seals, or of a copy; default: this installation's.",
)
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
def verify(database: str | None, seals: Path | None, json_wanted: bool) -> None:
    """Compare entries, signatures, hash chain and published seals."""
    if database:
        if urlsplit(database).scheme not in KINDS:
            raise click.BadParameter(
                "not an address such as postgres://reader@host/openprepay or sqlite:////file",
                param_hint="--database",
            )
        os.environ["DATABASE_URL"] = database
    set_up_django()
    from django.conf import settings
    from django.db import DatabaseError

    from headend.audit import signing
    from headend.audit.verification import verify as verify_record
    from headend.config import trouble

    folder = seals or Path(settings.AUDIT_SEALS)
    key = signing.own_key() if Path(settings.AUDIT_KEY_FILE).exists() else None
    try:
        report = verify_record(seals=folder, key=key, at=datetime.now(UTC))
    except DatabaseError as error:
        click.echo(f"Error: {trouble.with_database(error).text}", err=True)
        raise SystemExit(UNKNOWN) from None
    if json_wanted:
        facts = vars(report) | {"findings": [vars(one) for one in report.findings]}
        click.echo(json.dumps(facts | {"is_sound": report.is_sound}))
    else:
        for finding in report.findings:
            click.echo(f"{finding.code}: {finding.text}")
        click.echo(
            f"{report.links} sealed entries, {report.waiting} waiting for the sealer, "
            f"{report.published} published seals in {folder}"
        )
        if not report.signatures_checked:
            click.echo(f"signatures were not checked: there is no {settings.AUDIT_KEY_FILE}")
        click.echo("the record is sound" if report.is_sound else "the record was changed")
    if not report.is_sound:
        raise SystemExit(FOUND)
