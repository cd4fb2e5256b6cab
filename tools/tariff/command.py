"""`prepay tariff`: what a utility checks before it trusts a tariff. Needs no database."""

from __future__ import annotations

from pathlib import Path

import click

from tools.tariff import cases

_DIFFERENT = 1


@click.group()
def tariff() -> None:
    """Check tariffs against published purchases."""


@tariff.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def check(context: click.Context, file: Path) -> None:
    """Price every purchase of FILE and compare it with what was printed.

    One line per case; exit status 1 if any differs, 2 if FILE can't be read.
    """
    try:
        verdicts = [cases.check(case) for case in cases.read(file)]
    except cases.UnreadableCases as error:
        raise click.UsageError(str(error)) from None
    for verdict in verdicts:
        if verdict.differences:
            click.echo(f"DIFFERS  {verdict.name}: {'; '.join(verdict.differences)}")
        else:
            click.echo(f"ok       {verdict.name}: {verdict.kwh} kWh")
    wrong = sum(bool(verdict.differences) for verdict in verdicts)
    if wrong:
        click.echo(f"{wrong} of {len(verdicts)} cases differ", err=True)
        context.exit(_DIFFERENT)
