"""Started by root, the servers run as a user who can reach what they need, or as root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.run import privileges


@pytest.fixture
def open_to_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree and programs that anybody may read, and a folder beside them."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(privileges.interpreters, "REPOSITORY", Path("/usr"))
    monkeypatch.setattr(privileges.sys, "executable", "/bin/sh")
    return Path("/usr/openprepay-data")


def test_nobody_runs_the_servers_of_a_tree_that_is_nobodys(open_to_all: Path) -> None:
    assert privileges.server_user(open_to_all) == "nobody"


def test_a_data_folder_that_the_user_can_not_get_to_is_named(
    open_to_all: Path, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(privileges.NoServerUser, match=f"nobody may not read {closed}"):
        privileges.server_user(closed / "data")


def test_who_is_not_root_runs_the_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert privileges.server_user(tmp_path) is None
