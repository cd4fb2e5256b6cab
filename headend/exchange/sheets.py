"""Reads sheets row by row, in bounded memory: CSV with the standard library, XLSX with openpyxl.

A cell is text whatever the spreadsheet made of it: a date as 2026-12-01, a number without a
trailing ".0". What `safe_cell` put before a cell on the way out is taken off again on the way in.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from datetime import date, datetime, time
from typing import IO, Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from headend.design.cells import ESCAPE, FORMULA_SIGNS
from headend.exchange.errors import InvalidSheet
from headend.exchange.models import Sheet

LARGEST_BYTES = 50 * 1024 * 1024
_LARGEST_UNPACKED = 500 * 1024 * 1024  # an XLSX is a ZIP; a small one can claim to be huge
LONGEST_CELL = 1000
_READ_BYTES = 1024 * 1024
_XLSX_MAGIC = b"PK\x03\x04"
READ = "read"  # the format of what `kept` writes

Row = tuple[int, dict[str, str]]


def format_of(file: IO[bytes]) -> str:
    """Return whether a file is CSV or XLSX, by its beginning."""
    file.seek(0)
    begins = file.read(len(_XLSX_MAGIC))
    file.seek(0)
    return Sheet.Format.XLSX if begins == _XLSX_MAGIC else Sheet.Format.CSV


def digest_of(file: IO[bytes]) -> bytes:
    """Return the SHA-256 of a file."""
    file.seek(0)
    digest = hashlib.sha256()
    for piece in iter(lambda: file.read(_READ_BYTES), b""):
        digest.update(piece)
    return digest.digest()


def heading_of(file: IO[bytes], file_format: str) -> list[str]:
    """Return the names of a sheet's columns, in small letters.

    Raises:
        InvalidSheet: it is no sheet.
    """
    with closing(_lines(file, file_format)) as lines:
        return next(lines, (1, []))[1]


def rows_of(file: IO[bytes], file_format: str, *, after: int = 1) -> Generator[Row, None, None]:
    """Yield the rows of a sheet, numbered as a spreadsheet counts, without blank ones.

    Args:
        file: the sheet.
        file_format: a value of `Sheet.Format`, or READ.
        after: the number of the last row that is not wanted; 1 is the heading.

    Raises:
        InvalidSheet: it can't be read, at the row that says so.
    """
    lines = _lines(file, file_format)
    names = next(lines, (1, []))[1]
    for number, cells in lines:
        if number <= after or not any(cells):
            continue
        if len(cells) > len(names) and any(cells[len(names) :]):
            raise InvalidSheet(f"row {number} has more cells than the heading has columns")
        yield number, dict(zip(names, cells + [""] * (len(names) - len(cells)), strict=False))


def kept(rows: Iterable[Row], into: IO[bytes]) -> Iterator[Row]:
    """Yield rows, and write each into a file from which `rows_of` has them again at once."""
    for place, (number, cells) in enumerate(rows):
        if not place:
            into.write(_line(1, list(cells)))
        into.write(_line(number, list(cells.values())))
        yield number, cells


def _line(number: int, cells: list[str]) -> bytes:
    return json.dumps([number, cells], ensure_ascii=False).encode() + b"\n"


def _lines(file: IO[bytes], file_format: str) -> Generator[tuple[int, list[str]], None, None]:
    """Yield every line's number and cells; the heading's in small letters."""
    file.seek(0)
    if file_format == READ:
        yield from (tuple(json.loads(line)) for line in file)
        return
    lines = _xlsx(file) if file_format == Sheet.Format.XLSX else _csv(file)
    for number, cells in lines:
        if any(len(cell) > LONGEST_CELL for cell in cells):
            raise InvalidSheet(f"row {number} has a cell of more than {LONGEST_CELL} characters")
        yield number, [cell.lower() for cell in cells] if number == 1 else cells


def _csv(file: IO[bytes]) -> Generator[tuple[int, list[str]], None, None]:
    """Comma, semicolon and tab separate columns; the text is UTF-8."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        heading = text.readline(100_000)
        text.seek(0)
        separator = max(",;\t", key=heading.count)
        for number, cells in enumerate(csv.reader(text, delimiter=separator, strict=True), 1):
            yield number, [_plain(cell) for cell in cells]
    except UnicodeDecodeError:
        raise InvalidSheet("the sheet is no text in UTF-8; save it as CSV (UTF-8)") from None
    except csv.Error as error:
        raise InvalidSheet(f"the sheet can't be read as CSV: {error}") from None
    finally:
        if not file.closed:  # whoever read only its beginning may have closed it by now
            text.detach()


def _xlsx(file: IO[bytes]) -> Generator[tuple[int, list[str]], None, None]:
    """The first worksheet; values, not formulas."""
    try:
        with zipfile.ZipFile(file) as packed:
            if sum(part.file_size for part in packed.infolist()) > _LARGEST_UNPACKED:
                raise InvalidSheet("the workbook is too large; split it, or save it as CSV")
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise InvalidSheet(f"the file can't be read as XLSX: {error}") from None
    try:
        for number, cells in enumerate(book.worksheets[0].iter_rows(values_only=True), 1):
            yield number, [_plain(_as_text(cell)) for cell in cells]
    finally:
        book.close()


def _as_text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        is_day = cell.time() == time()
        return cell.date().isoformat() if is_day else cell.isoformat(" ", "minutes")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _plain(cell: str) -> str:
    cell = cell.strip()
    if cell.startswith(ESCAPE) and cell[1:].startswith(FORMULA_SIGNS):
        return cell[1:]
    return cell
