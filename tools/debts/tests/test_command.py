"""`prepay debts import` as a person calls it."""

import json

import pytest
from click.testing import CliRunner

from headend.accounts.services import console_user
from headend.customers.services import register_customer
from headend.debts.models import Debt
from headend.testing import NOON
from tools.prepay import main

pytestmark = pytest.mark.django_db


@pytest.fixture
def sheet(tmp_path):
    customer = register_customer(name="Nomsa Dube", by=console_user(), at=NOON)
    file = tmp_path / "debts.csv"
    file.write_text(
        "reference,customer,title,amount,method,rate\n"
        f"A1,{customer.pk},Arrears,10.50,percent,30\n"
        "A2,999999,Arrears,10.00,percent,30\n",
        encoding="utf-8-sig",
    )
    return str(file)


def run(*arguments):
    return CliRunner().invoke(main, ["debts", "import", *arguments])


def test_a_trial_keeps_nothing(sheet):
    done = run(sheet, "--dry-run")
    assert done.exit_code == 1
    assert "10.50 would be opened." in done.output
    assert not Debt.objects.exists()


def test_a_sheet_is_imported_row_by_row(sheet):
    done = run(sheet, "--json")
    assert done.exit_code == 1  # one row was refused
    told = json.loads(done.output)
    assert [row["outcome"] for row in told["rows"]] == ["opened", "refused"]
    assert Debt.objects.get().principal_minor == 1050
    assert "already there" in run(sheet).output


def test_what_is_no_sheet_is_refused(tmp_path):
    file = tmp_path / "debts.csv"
    file.write_text("a,b\n1,2\n")
    done = run(str(file))
    assert (done.exit_code, "lacks the column" in done.output) == (1, True)
    file.write_bytes(b"\xff\xfe\x00")
    assert run(str(file)).exit_code == 2
