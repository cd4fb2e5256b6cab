"""`prepay import` and `prepay export` as a person calls them."""

import csv
import json

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from headend.customers.models import Customer
from headend.exchange.models import Job
from tools.prepay import main

pytestmark = pytest.mark.django_db


@pytest.fixture
def sheet(tmp_path):
    file = tmp_path / "customers.csv"
    file.write_text("reference,name\nC-1,Nomsa Dube\nC-2,\n", encoding="utf-8-sig")
    return str(file)


def run(*arguments):
    return CliRunner().invoke(main, list(arguments))


def test_a_trial_keeps_nothing(sheet):
    done = run("import", "customers", sheet, "--dry-run")
    assert done.exit_code == 1
    assert "cell_invalid: name is empty" in done.output
    assert "On trial, nothing was kept: 1 added, 0 changed, 0 unchanged, 1 with errors." in (
        done.output
    )
    assert not Customer.objects.exists()


def test_a_sheet_is_imported_row_by_row(sheet):
    done = run("import", "customers", sheet, "--json", "--all")
    assert done.exit_code == 1  # one row was refused
    told = json.loads(done.output)
    assert [row["outcome"] for row in told["rows"]] == ["added", "error"]
    assert told["state"] == Job.State.DONE
    assert Customer.objects.get().name == "Nomsa Dube"
    assert "0 added, 0 changed, 1 unchanged" in run("import", "customers", sheet).output


def test_what_is_no_sheet_is_refused(tmp_path):
    file = tmp_path / "debts.csv"
    file.write_text("a,b\n1,2\n")
    done = run("import", "debts", str(file))
    assert (done.exit_code, "lacks the column" in done.output) == (1, True)
    assert run("import", "colours", str(file)).exit_code == 1


def test_a_register_comes_as_csv_or_xlsx(sheet, tmp_path):
    run("import", "customers", sheet)
    printed = run("export", "customers").output.lstrip("\ufeff")
    (row,) = csv.DictReader(printed.splitlines())
    assert (row["reference"], row["name"]) == ("C-1", "Nomsa Dube")
    out = tmp_path / "customers.xlsx"
    assert run("export", "customers", "--xlsx").exit_code == 2
    assert run("export", "customers", "--xlsx", "-o", str(out)).exit_code == 0
    assert load_workbook(out).worksheets[0]["C2"].value == "Nomsa Dube"
    assert "month_to_date_kwh" in run("export", "take-over", "--template").output
    assert run("export", "colours").exit_code == 1
