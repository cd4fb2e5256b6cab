"""Exports of registers as sheets, streamed from a database cursor.

Columns have the names that imports read, so that what was exported can be mended and handed in
again. What a spreadsheet would take for a formula is marked as text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from tempfile import TemporaryFile
from typing import IO, Any

from django.db.models import QuerySet
from openpyxl import Workbook

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.design.cells import safe_cell
from headend.exchange.cells import midnight
from headend.exchange.errors import UnknownKind
from headend.exchange.exportable import EXPORTS, Export, text
from headend.exchange.kinds import KINDS

EXPORT = "exchange.export_sheet"
_CHUNK = 2000  # rows that are read at once
_LINES_A_PIECE = 500

Rows = Iterator[list[str]]


def may_export(user: User, export: Export) -> bool:
    """Say whether a user may have a register as a sheet."""
    return user.has_perm(EXPORT) and user.has_perm(export.permission)


def export_named(name: str) -> Export:
    """Return an export.

    Raises:
        UnknownKind: there is none of that name.
    """
    try:
        return EXPORTS[name]
    except KeyError:
        raise UnknownKind(f"no export is called {name!r}; choose {', '.join(EXPORTS)}") from None


def begin(
    export: Export,
    *,
    by: User,
    at: datetime,
    since: date | None = None,
    until: date | None = None,
    source: str = "",
) -> QuerySet[Any]:
    """Return what an export gives, after noting in the record who has it.

    Args: as for `find`, and
        at: now.
        source: the channel it goes by.

    Raises:
        NotPermitted: they lack a permission.
    """
    found = find(export, by=by, since=since, until=until)
    audit.record(
        actor=by,
        action="exchange.export",
        target=by,
        at=at,
        after={"export": export.name, "since": since, "until": until},
        source=source,
    )
    return found


def find(
    export: Export, *, by: User, since: date | None = None, until: date | None = None
) -> QuerySet[Any]:
    """Return what an export gives, oldest first.

    Args:
        export: which.
        by: who; needs exchange.export_sheet and the permission to look. A vendor's people get
            only what is their vendor's.
        since: from this local day on, where the export is dated.
        until: up to and including this local day.

    Raises:
        NotPermitted: they lack a permission.
    """
    for permission in (EXPORT, export.permission):
        require(by, permission)
    found = export.find(by)
    if export.dated and since is not None:
        found = found.filter(**{f"{export.dated}__gte": midnight(since)})
    if export.dated and until is not None:
        ends = midnight(until + timedelta(days=1))
        found = found.filter(**{f"{export.dated}__lt": ends})
    return found.order_by("pk")


def row_of(export: Export, one: Any) -> list[str]:
    """Return the cells of one object, as text."""
    return [text(cell(one)) for cell in export.columns.values()]


def rows(export: Export, found: QuerySet[Any]) -> Rows:
    """Yield an export's rows, its heading first; cells are text, not yet marked."""
    yield list(export.columns)
    for one in found.iterator(chunk_size=_CHUNK):
        yield row_of(export, one)


def as_csv(sheet: Rows) -> Iterator[bytes]:
    """Yield a sheet as pieces of CSV in UTF-8, marked as such for spreadsheets."""
    yield "\ufeff".encode()
    written = io.StringIO()
    writer = csv.writer(written)
    for number, row in enumerate(sheet, 1):
        writer.writerow([safe_cell(cell) for cell in row])
        if number % _LINES_A_PIECE == 0:
            yield written.getvalue().encode()
            written.seek(0)
            written.truncate()
    yield written.getvalue().encode()


def as_xlsx(sheet: Rows) -> IO[bytes]:
    """Return a sheet as an XLSX file, written to disk row by row; all its cells are text."""
    book = Workbook(write_only=True)
    page = book.create_sheet("Sheet")
    for row in sheet:
        page.append([safe_cell(cell) for cell in row])
    file = TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    book.save(file)
    file.seek(0)
    return file


def template(kind_name: str) -> Rows:
    """Yield an empty sheet of a kind: its heading, and a row that shows how cells are written."""
    columns = KINDS[kind_name].columns
    yield [column.name for column in columns]
    yield [column.example for column in columns]
