"""A data folder that others could read is closed at start, or refused by name."""

import os
import subprocess
import sys

import pytest

from headend.config import privacy
from headend.config.environment import BadSetting
from tools.interpreters import REPOSITORY

pytestmark = pytest.mark.any_database


def mode(file):
    return file.stat().st_mode & 0o777


def test_what_others_could_read_is_closed(tmp_path):
    database, key, absent = (tmp_path / name for name in ("d.sqlite3", "master.key", "none"))
    for file, bits in ((database, 0o644), (key, 0o600)):
        file.touch()
        file.chmod(bits)
    assert privacy.keep_private([database, key, absent]) == [database]
    assert (mode(database), mode(key)) == (0o640, 0o600)
    assert privacy.keep_private([database, key]) == []


def test_what_is_not_ours_to_close_is_refused_by_name(tmp_path, monkeypatch):
    file = tmp_path / "master.key"
    file.touch()
    file.chmod(0o644)

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "chmod", refuse)
    with pytest.raises(BadSetting, match=r"chmod o= .*master\.key"):
        privacy.keep_private([file])


def test_every_program_closes_an_old_data_folder_as_it_starts(tmp_path):
    names = ("headend.sqlite3", "headend.sqlite3-wal", "master.key", "audit.key", "secret.key")
    for name in names:
        (tmp_path / name).write_text("11" * 50 if name == "secret.key" else "")
        (tmp_path / name).chmod(0o644)
    (tmp_path / "notes.txt").touch(0o644)
    kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "MQTT_URL")}
    subprocess.run(
        [sys.executable, "-c", "from headend.config import settings"],
        env=kept | {"OPENPREPAY_DATA": str(tmp_path)}, cwd=REPOSITORY, check=True,
    )  # fmt: skip
    assert {mode(tmp_path / name) for name in names} == {0o640}
