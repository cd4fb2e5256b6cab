"""Arguments of `prepay` that can't be meant: one sentence and an exit status, no traceback."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from tools.interpreters import REPOSITORY
from tools.ledger.command import ledger


@pytest.mark.any_database
def test_an_argument_that_is_no_text_is_refused(tmp_path):
    script = "from tools.prepay import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "sale", "show", b"\xff"],
        env=os.environ | {"OPENPREPAY_DATA": str(tmp_path)},
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "argument 3 is not UTF-8" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.django_db
@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_at_the_end_of_time_is_refused_or_answered(day):
    done = CliRunner().invoke(ledger, ["balance", "--day", day])
    assert isinstance(done.exception, SystemExit | None)
    assert done.exit_code in (0, 2)
