"""The story holds from beginning to end."""

import subprocess
import sys

import pytest

from tools import interpreters
from tools.demo.story import STORY


@pytest.mark.slow
def test_every_observation_of_the_demonstration_holds() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from tools.prepay import main; main()", "demo"],
        cwd=interpreters.REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(step.title in done.stdout for step in STORY)
