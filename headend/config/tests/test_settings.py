"""Settings from the environment, read in a process of their own."""

import json
import os
import subprocess
import sys

import pytest

from tools.interpreters import REPOSITORY

SHOW = """
import json
from headend.config import settings
print(json.dumps({
    "engine": settings.DATABASES["default"]["ENGINE"],
    "name": str(settings.DATABASES["default"]["NAME"]),
    "options": settings.DATABASES["default"]["OPTIONS"],
    "demonstration": settings.DEMONSTRATION,
    "urls": settings.NOTIFICATION_URLS,
    "prefix": settings.TOPIC_PREFIX,
}))
"""


@pytest.fixture
def read(tmp_path):
    def show(**variables):
        kept = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith("OPENPREPAY_") and name not in ("DATABASE_URL", "MQTT_URL")
        }
        done = subprocess.run(
            [sys.executable, "-c", SHOW],
            env=kept | {"OPENPREPAY_DATA": str(tmp_path)} | variables,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    return show


def test_defaults_make_a_complete_installation(read, tmp_path):
    settings = read()
    assert settings["name"] == str(tmp_path / "headend.sqlite3")
    assert settings["options"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in settings["options"]["init_command"]
    assert not settings["demonstration"]
    assert (settings["urls"], settings["prefix"]) == ([], "prepay/v1")
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


def test_postgresql_by_url(read):
    settings = read(DATABASE_URL="postgres://user@/name?host=/run/sockets")
    assert settings["engine"].endswith("postgresql")
    assert settings["name"] == "name"
    assert settings["options"]["host"] == "/run/sockets"


@pytest.mark.parametrize(("text", "expected"), [("1", True), ("true", True), ("0", False)])
def test_demonstration_by_variable(read, text, expected):
    assert read(OPENPREPAY_DEMONSTRATION=text)["demonstration"] is expected


def test_seeded_folder_stays_a_demonstration(read, tmp_path):
    (tmp_path / "demonstration.json").write_text("{}")
    assert read()["demonstration"]


def test_lists(read):
    settings = read(OPENPREPAY_NOTIFICATION_URLS="json://a, sns://b")
    assert settings["urls"] == ["json://a", "sns://b"]
