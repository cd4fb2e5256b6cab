"""Key campaigns with the meter's real firmware: sent to it, and typed at its keypad."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools import interpreters


@pytest.mark.slow
def test_a_meter_takes_its_new_keys_and_no_token_of_an_old_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.campaign.tests.play", str(tmp_path)],
        cwd=interpreters.REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "both campaigns are confirmed by the meter" in done.stdout
