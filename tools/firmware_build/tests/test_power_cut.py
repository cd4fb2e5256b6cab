"""The power goes in the midst of writing flash: what is in the files afterwards."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import firmware_build, interpreters

SECTOR = 4096
KILLED = -9

# Programs 100 bytes of zeros at offset 10 of sector 1, then erases sector 2, full of zeros.
STORY = """
import bench_line
from esp32 import Partition
partition = Partition.find(Partition.TYPE_DATA, label="state")[0]
partition.writeblocks(2, bytes(4096), 0)
bench_line.handle({{"cut_after": {cut_after}}})
partition.writeblocks(1, bytes(100), 10)
partition.ioctl(6, 2)
print("survived")
"""


def _run(
    folder: Path, interpreter: str, cut_after: int | None
) -> subprocess.CompletedProcess[str]:
    story = STORY.format(cut_after=cut_after)
    overlay = (firmware_build.OVERLAY, interpreters.REPOSITORY)
    return interpreters.run(interpreter, ["-c", story], paths=overlay, folder=folder)


@pytest.mark.parametrize("cut_after", [0, 1, 63, 64, 65, 99, 100, 101, 164, 2000, 4195, 4196])
def test_what_was_written_before_the_cut_is_there_and_nothing_after(
    tmp_path: Path, interpreter: str, cut_after: int
) -> None:
    done = _run(tmp_path, interpreter, cut_after)
    assert done.returncode in (KILLED, 128 + 9)
    assert "survived" not in done.stdout
    flash = (tmp_path / "state.bin").read_bytes()
    assert len(flash) == 16 * SECTOR
    programmed = min(cut_after, 100)
    expected = b"\xff" * 10 + bytes(programmed) + b"\xff" * (SECTOR - 10 - programmed)
    assert flash[SECTOR : 2 * SECTOR] == expected
    erased = max(cut_after - 100, 0)
    assert flash[2 * SECTOR : 3 * SECTOR] == b"\xff" * erased + bytes(SECTOR - erased)
    assert flash[:SECTOR] == b"\xff" * SECTOR


@pytest.mark.parametrize("cut_after", [4197, None])
def test_a_cut_that_is_not_reached_or_disarmed_does_nothing(
    tmp_path: Path, interpreter: str, cut_after: int | None
) -> None:
    done = _run(tmp_path, interpreter, cut_after)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "survived"
