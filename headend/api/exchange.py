"""Import and export of rows, for meter data, billing and enterprise systems."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Annotated, Any, Literal

from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from headend.api.errors import ScopeMissing
from headend.api.ids import AskedImport
from headend.api.models import ApiKey
from headend.api.once import asked_once
from headend.api.requests import Cursor, KeyRequest, Limit, needs, page
from headend.api.schemas import Day, MessageIn, Page, text
from headend.api.utility import require_utility
from headend.config.ids import ImportId
from headend.exchange import exports, jobs
from headend.exchange.models import Job, RowResult

router = Router(tags=["exchange"])
_USUAL_LIMIT = 50
_USUAL_ROWS = 500

# What a key must be good for besides, by kind of sheet and by register.
_WRITES: dict[str, tuple[str, ...]] = {
    "customers": ("customers:write",),
    "meters": ("meters:write",),
    "agreements": ("agreements:write",),
    "debts": ("debts:write",),
    "free-electricity": ("free",),
    "take-over": ("customers:write", "meters:write", "agreements:write", "debts:write"),
}
_READS = {
    "customers": "customers:read",
    "meters": "meters:read",
    "agreements": "agreements:read",
    "debts": "debts:read",
    "free-electricity": "free",
    "sales": "sales:read",
    "tokens": "tokens:read",
}
_OF_VENDORS = ("sales", "tokens")  # a vendor's programs have their vendor's

SheetKind = Literal["customers", "meters", "agreements", "debts", "free-electricity", "take-over"]
Register = Literal[
    "customers", "meters", "agreements", "debts", "free-electricity", "sales", "tokens"
]


Cell = Annotated[str, text(1000, shortest=0)]


class ImportIn(MessageIn):
    """Rows of a sheet; `docs/exchange.md` lists the columns of each kind."""

    kind: SheetKind
    dry_run: bool
    columns: Annotated[list[Annotated[str, text(60)]], Field(min_length=1, max_length=60)]
    rows: Annotated[
        list[Annotated[list[Cell], Field(max_length=60)]], Field(min_length=1, max_length=10_000)
    ]
    name: Annotated[str, text(100)] = "rows"


class ImportOut(Schema):
    """How far a run over rows is; on trial, outcomes are what would have become of them."""

    id: ImportId
    kind: str
    name: str
    dry_run: bool
    state: str
    problem: str
    rows_done: int
    added: int
    changed: int
    unchanged: int
    errors: int
    requested_at: datetime
    finished_at: datetime | None


class RowResultOut(Schema):
    """What became of one row; the heading is row 1."""

    row: int
    key: str
    outcome: str
    code: str
    explanation: str


@router.post("/imports", **needs("imports", ImportOut))
def start_import(request: KeyRequest, body: ImportIn) -> dict[str, Any]:
    """Start an import, or a trial of one, once per message id; it runs in the background."""
    key, now = request.auth, timezone.now()
    _require_scopes(key, _WRITES[body.kind])

    def act() -> dict[str, Any]:
        made = jobs.hand_in(
            body.kind,
            _as_csv(body),
            file_name=body.name,
            dry_run=body.dry_run,
            by=key.program,
            at=now,
            source=f"api:{key.program_id}",
        )
        return _job(made)

    return asked_once(key, "imports", body, at=now, act=act)


@router.get("/imports", **needs("imports", Page[ImportOut]))
def list_imports(
    request: KeyRequest, cursor: Cursor = None, limit: Limit = _USUAL_LIMIT
) -> dict[str, Any]:
    """List this program's imports and trials, newest first."""
    found = jobs.visible_to(request.auth.program)
    return page(found, cursor=cursor, limit=limit, give=_job)


@router.get("/imports/{import_id}", **needs("imports", ImportOut))
def read_import(request: KeyRequest, import_id: Path[AskedImport]) -> dict[str, Any]:
    """Read the progress of an import."""
    return _job(jobs.job_numbered(import_id, seen_by=request.auth.program))


@router.get("/imports/{import_id}/results", **needs("imports", Page[RowResultOut]))
def list_results(
    request: KeyRequest,
    import_id: Path[AskedImport],
    outcome: Annotated[
        Literal["added", "changed", "unchanged", "error"] | None, Query(description="only those")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """List the results of an import's rows, last row first."""
    job = jobs.job_numbered(import_id, seen_by=request.auth.program)
    found = RowResult.objects.filter(job=job)
    if outcome is not None:
        found = found.filter(outcome=outcome)
    return page(found, cursor=cursor, limit=limit, give=_result)


@router.post("/imports/{import_id}/import", **needs("imports", ImportOut))
def import_tried(
    request: KeyRequest, import_id: Path[AskedImport], body: MessageIn
) -> dict[str, Any]:
    """Carry out the import that a trial tried, once."""
    key, now = request.auth, timezone.now()
    trial = jobs.job_numbered(import_id, seen_by=key.program)
    _require_scopes(key, _WRITES[trial.sheet.kind])

    def act() -> dict[str, Any]:
        source = f"api:{key.program_id}"
        return _job(jobs.import_tried(trial, by=key.program, at=now, source=source))

    return asked_once(key, f"import tried {import_id}", body, at=now, act=act)


@router.get("/exports/{sheet}", **needs("exports", Page[dict[str, str]]))
def export(
    request: KeyRequest,
    sheet: Path[Register],
    since: Annotated[Day | None, Query(description="from this local day on")] = None,
    until: Annotated[Day | None, Query(description="up to and including this day")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = _USUAL_ROWS,
) -> dict[str, Any]:
    """Export the rows of a sheet, newest first, with the columns that the sheet has."""
    key = request.auth
    if sheet not in _OF_VENDORS:
        require_utility(key)
    _require_scopes(key, (_READS[sheet],))
    wanted = exports.export_named(sheet)
    if cursor is None:
        found = exports.begin(
            wanted,
            by=key.program,
            at=timezone.now(),
            since=since,
            until=until,
            source=f"api:{key.program_id}",
        )
    else:
        found = exports.find(wanted, by=key.program, since=since, until=until)

    def give(one: Any) -> dict[str, str]:
        return dict(zip(wanted.columns, exports.row_of(wanted, one), strict=True))

    return page(found, cursor=cursor, limit=limit, give=give)


def _require_scopes(key: ApiKey, scopes: tuple[str, ...]) -> None:
    missing = [scope for scope in scopes if scope not in key.scopes]
    if missing:
        raise ScopeMissing(f"for this the key must also be good for {', '.join(missing)}")


def _as_csv(body: ImportIn) -> io.BytesIO:
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(body.columns)
    writer.writerows(body.rows)
    return io.BytesIO(sheet.getvalue().encode())


def _job(job: Job) -> dict[str, Any]:
    counts = jobs.counts(job)
    return {
        "id": job.pk,
        "kind": job.sheet.kind,
        "name": job.sheet.file_name,
        "dry_run": job.dry_run,
        "state": str(job.state),
        "problem": job.problem,
        "rows_done": job.rows_done,
        "added": counts["added"],
        "changed": counts["changed"],
        "unchanged": counts["unchanged"],
        "errors": counts["error"],
        "requested_at": job.requested_at,
        "finished_at": job.finished_at,
    }


def _result(one: RowResult) -> dict[str, Any]:
    return {
        "row": one.row,
        "key": one.key,
        "outcome": one.outcome,
        "code": one.code,
        "explanation": one.explanation,
    }
