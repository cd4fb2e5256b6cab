"""What an installation's folder keeps is its owner's alone."""

from __future__ import annotations

from pathlib import Path

from tools.run.installation import Installation


def test_nobody_else_may_look_into_a_new_data_folder(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "new", mqtt_url="mqtt://127.0.0.1:1")
    for folder in (installation.folder, installation.logs, installation.meters):
        assert folder.stat().st_mode & 0o077 == 0


def test_a_folder_that_was_there_keeps_its_permissions(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Installation(tmp_path, mqtt_url="mqtt://127.0.0.1:1")
    assert tmp_path.stat().st_mode & 0o777 == 0o755
