"""`prepay import` and `prepay export`: sheets in and out.

Exit status: 0 every row is in, 1 refused as a whole or in part, 2 wrong usage, 3 not known: ask
again with the same file, and it goes on where it stopped.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from tools.headend.answers import REFUSED, UNKNOWN, answering, as_json, print_facts

_POLL_SECONDS = 0.5


def _now() -> datetime:
    return datetime.now(UTC)


@click.command("import")
@click.argument("kind")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only show the result that each row would have.")
@click.option(
    "--all", "all_rows", is_flag=True, help="Show every row, not only those with errors."
)
@click.option(
    "--refused",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the rows with errors into this file (CSV), to be corrected and imported again.",
)
@as_json
def import_(
    kind: str, file: Path, dry_run: bool, all_rows: bool, refused: Path | None, json_wanted: bool
) -> None:
    """Import a sheet (CSV or XLSX): customers, meters, agreements, debts, free-electricity,
    take-over. docs/exchange.md lists the columns.

    If it is interrupted, the same command continues where it stopped.
    """
    with answering(json_wanted, hint="ask again with the same file: it goes on where it stopped"):
        from headend.accounts.services import console_user
        from headend.exchange import jobs
        from headend.exchange.models import Job

        with file.open("rb") as sheet:
            job = jobs.hand_in(
                kind,
                sheet,
                file_name=file.name,
                dry_run=dry_run,
                by=console_user(),
                at=_now(),
                source="console",
            )
        _run(job, show=not json_wanted and sys.stderr.isatty())
        counts = jobs.counts(job)
        wanted = job.results.all() if all_rows else job.results.filter(outcome="error")
        facts = {
            "import": job.pk,
            "dry_run": dry_run,
            "state": job.state,
            "problem": job.problem,
            "counts": counts,
            "rows": [
                {
                    "row": one.row,
                    "key": one.key,
                    "outcome": one.outcome,
                    "code": one.code,
                    "explanation": one.explanation,
                }
                for one in wanted.iterator()
            ],
        }
        if refused is not None and counts["error"]:
            _write_refused(job, refused)
        print_facts(json_wanted, facts, _report)
    if job.state not in (Job.State.DONE, Job.State.STOPPED):
        raise SystemExit(UNKNOWN)
    if counts["error"] or job.state == Job.State.STOPPED:
        raise SystemExit(REFUSED)


def _run(job: Any, *, show: bool) -> None:
    """Work on a run here, or follow it while another process works on it."""
    from headend.exchange.errors import JobTaken
    from headend.exchange.runner import Runner

    def told(job: Any) -> None:
        if show:
            click.echo(f"\r{job.rows_done} of {job.sheet.row_count} rows", nl=False, err=True)

    runner = Runner(_now)
    while True:
        claimed = runner.claim(job)
        if claimed is not None:
            try:
                runner.run(claimed, told)
            except JobTaken:
                continue
            finally:
                runner.release(claimed)
        job.refresh_from_db()
        if job.is_finished:
            break
        told(job)
        time.sleep(_POLL_SECONDS)
    if show:
        click.echo("", err=True)


def _write_refused(job: Any, output: Path) -> None:
    from headend.accounts.services import console_user
    from headend.exchange import exports, jobs

    jobs.begin_refused(job, by=console_user(), at=_now(), source="console")
    _write(exports.as_csv(jobs.refused_rows(job)), output)


def _report(facts: dict[str, Any]) -> str:
    rows = [
        f"row {row['row']:6}  {row['key']:24}  {row['outcome']:9}  "
        + (f"{row['code']}: " if row["code"] else "")
        + row["explanation"]
        for row in facts["rows"]
    ]
    counts = facts["counts"]
    would = "On trial, nothing was kept: " if facts["dry_run"] else ""
    told = ", ".join(f"{counts[name]} {name}" for name in ("added", "changed", "unchanged"))
    if facts["problem"]:
        rows.append(f"Stopped: {facts['problem']}.")
    return "\n".join([*rows, f"{would}{told}, {counts['error']} with errors."])


@click.command()
@click.argument("kind")
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="File; else printed."
)
@click.option("--xlsx", is_flag=True, help="As XLSX instead of CSV; needs a file.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="First day.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day.")
@click.option("--template", is_flag=True, help="An empty sheet to fill in and import instead.")
def export(
    kind: str,
    output: Path | None,
    xlsx: bool,
    since: datetime | None,
    until: datetime | None,
    template: bool,
) -> None:
    """Export a register as a sheet: customers, meters, agreements, debts, free-electricity, sales,
    tokens."""
    if xlsx and output is None:
        raise click.UsageError("an XLSX sheet goes into a file; name it with --output")
    with answering(False):
        from headend.exchange import exports

        rows = _template(kind) if template else _register(kind, since, until)
        _write(exports.as_csv(rows) if not xlsx else _pieces(exports.as_xlsx(rows)), output)


def _template(kind: str) -> Iterator[list[str]]:
    from headend.exchange import exports
    from headend.exchange.kinds import kind_named

    return exports.template(kind_named(kind).name)


def _register(name: str, since: datetime | None, until: datetime | None) -> Iterator[list[str]]:
    from headend.accounts.services import console_user
    from headend.exchange import exports

    wanted = exports.export_named(name)
    found = exports.begin(
        wanted,
        by=console_user(),
        at=_now(),
        since=since.date() if since else None,
        until=until.date() if until else None,
        source="console",
    )
    return exports.rows(wanted, found)


def _pieces(file: Any) -> Iterator[bytes]:
    with file:
        yield from iter(lambda: file.read(1 << 20), b"")


def _write(pieces: Iterator[bytes], output: Path | None) -> None:
    if output is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.flush()
        return
    with output.open("wb") as file:
        for piece in pieces:
            file.write(piece)
