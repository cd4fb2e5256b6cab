"""Sheets are read once; what was read of a workbook is kept and read again as the same rows."""

import io
import random
from unittest.mock import Mock

import pytest
from openpyxl import Workbook

from headend.accounts.services import console_user
from headend.exchange import jobs, sheets
from headend.exchange.models import Job, RowResult, Sheet
from headend.exchange.runner import Runner
from headend.testing import NOON

ROWS = [
    ["reference", "name", "phone"],
    ["C-1", "Nomsa", 821234],
    [None, None, None],
    ["C-3", "  two\nlines ", "'=1+1"],
    ["C-4", 'O\'Brien, "Bob"', "'\t7"],
    ["C-1", "Again", None],
]


def workbook(rows=ROWS):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file


def test_kept_rows_are_read_again_as_they_were():
    with jobs.temporary_file() as into:
        rows = list(sheets.kept(sheets.rows_of(workbook(), Sheet.Format.XLSX), into))
        assert [number for number, _ in rows] == [2, 4, 5, 6]
        assert rows[2][1] == {"reference": "C-4", "name": 'O\'Brien, "Bob"', "phone": "\t7"}
        assert list(sheets.rows_of(into, sheets.READ)) == rows
        assert list(sheets.rows_of(into, sheets.READ, after=4)) == rows[2:]


def test_a_workbook_without_rows_has_none_when_it_is_read_again():
    with jobs.temporary_file() as into:
        assert not list(sheets.kept(sheets.rows_of(workbook(ROWS[:1]), "xlsx"), into))
        assert not list(sheets.rows_of(into, sheets.READ))


@pytest.mark.django_db
def test_a_workbook_is_read_once_for_trial_and_import(monkeypatch):
    really = Mock(wraps=sheets.load_workbook)
    monkeypatch.setattr(sheets, "load_workbook", really)
    runner = Runner(lambda: NOON)
    trial = jobs.hand_in(
        "customers", workbook(), file_name="a.xlsx", dry_run=True, by=console_user(), at=NOON
    )
    said = []
    for job in (trial, None):
        wanted = job or jobs.import_tried(trial, by=console_user(), at=NOON)
        claimed = runner.claim(wanted)
        assert claimed is not None
        runner.run(claimed)
        assert (claimed.state, claimed.sheet.row_count) == (Job.State.DONE, 4)
        trial.refresh_from_db()
        results = RowResult.objects.filter(job=claimed).order_by("row")
        said.append(list(results.values_list("row", "outcome", "code", "explanation")))
    assert said[0] == said[1]
    assert [one[:2] for one in said[0]] == [(2, "added"), (4, "added"), (5, "added"), (6, "error")]
    assert really.call_count == 2  # for the heading, when it was handed in, and for all of it


@pytest.mark.django_db
def test_a_workbook_that_breaks_off_stops_the_run_and_is_kept_as_it_came():
    rows = [[f"C-{n}", random.Random(n).randbytes(20).hex()] for n in range(50)]
    file = workbook([["reference", "name"], *rows, ["C-77", "x" * (sheets.LONGEST_CELL + 1)]])
    job = jobs.hand_in(
        "customers", file, file_name="a.xlsx", dry_run=False, by=console_user(), at=NOON
    )
    runner = Runner(lambda: NOON)
    claimed = runner.claim(job)
    assert claimed is not None
    runner.run(claimed)
    assert (claimed.state, claimed.rows_done) == (Job.State.STOPPED, 0)
    assert "row 52" in claimed.problem
    assert not Sheet.objects.get().is_read
