"""A setting that can't be meant is refused by its name, at once and by every program."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headend.config.environment import BadSetting
from tools.interpreters import REPOSITORY

pytestmark = pytest.mark.any_database

WRONG = {
    "DATABASE_URL": (
        *("nonsense", "mysql://u:secret@h/n", "postgres://u:secret@h:abc/n", "postgres:/x"),
        "postgres://u:sec[ret@h/n",
    ),
    "MQTT_URL": ("nonsense", "http://h", "mqtt://", "mqtt://u:secret@h:99999", "127.0.0.1:1883"),
    "OPENPREPAY_DATA": ("/dev/null/here",),
    "OPENPREPAY_SECRET_KEY_FILE": ("/dev/null", "/"),
    "OPENPREPAY_DEMONSTRATION": ("ja", "2"),
    "OPENPREPAY_TLS": ("https",),
    "OPENPREPAY_DEBUG": ("nein",),
    "OPENPREPAY_BEHIND_PROXY": ("nginx",),
    "OPENPREPAY_SESSION_IDLE_MINUTES": ("", "0", "-5", "abc", "1e3", "721", "9" * 30, "٣"),
    "OPENPREPAY_SECOND_FACTOR": ("Required", "off"),
    "OPENPREPAY_CURRENCY": ("rand", "zar", "XXX", "JPY"),
    "OPENPREPAY_TIME_ZONE": ("Africa", "Nowhere/City", "/etc/passwd", "../x"),
    "OPENPREPAY_TOPIC_PREFIX": ("a/#", "+", "/a", "a/", "$SYS/x", "a b", "x" * 101),
    "OPENPREPAY_HOSTS": ("https://vend.example.org", "a b/c", "h:8000"),
    "OPENPREPAY_TRUSTED_ORIGINS": ("vend.example.org", "ftp://h", "https://h/path"),
    "OPENPREPAY_WEBHOOK_NETWORKS": ("10.0.0.0/99", "somewhere"),
    "OPENPREPAY_WEBHOOK_AUTHORITIES": ("/no/such/file", "/dev/null"),
    "OPENPREPAY_UTILITY_NAME": ("\udcff", "two\nlines"),
    "OPENPREPAY_LOG_LEVEL": ("loud",),
}
MEANT = {
    "DATABASE_URL": ("", "sqlite:////tmp/x", "postgres://u:p%40@h:5432/n?sslmode=require"),
    "MQTT_URL": ("", "mqtts://u:p@h:8883", "mqtt://[::1]"),
    "OPENPREPAY_TLS": ("", "0", "1", "Yes", "off"),
    "OPENPREPAY_SESSION_IDLE_MINUTES": ("1", "30", "720"),
    "OPENPREPAY_CURRENCY": ("NGN",),
    "OPENPREPAY_TIME_ZONE": ("UTC", "Asia/Kathmandu"),
    "OPENPREPAY_TOPIC_PREFIX": ("a", "a/b/c"),
    "OPENPREPAY_HOSTS": ("*", ".example.org, a.b 10.0.0.1", "[::1]"),
    "OPENPREPAY_TRUSTED_ORIGINS": ("https://vend.example.org:8443, http://[::1]:80",),
    "OPENPREPAY_WEBHOOK_NETWORKS": ("10.1.2.0/24, fd00::/8", "10.1.2.3/8"),
    "OPENPREPAY_UTILITY_NAME": ("Société Électrique", ""),
    "OPENPREPAY_LOG_LEVEL": ("DEBUG",),
}
LOAD = """
import json, os, runpy, sys
from headend.config.environment import BadSetting
told = []
for name, value in json.load(sys.stdin):
    before = dict(os.environ)
    os.environ[name] = value
    try:
        runpy.run_module("headend.config.settings")
    except BadSetting as error:
        told.append(str(error))
    else:
        told.append("")
    os.environ.clear()
    os.environ.update(before)
print(json.dumps(told))
"""


@pytest.fixture
def kept(tmp_path):
    """Return an environment without settings, but for a data folder of its own."""
    plain = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith("OPENPREPAY_") and name not in ("DATABASE_URL", "MQTT_URL")
    }
    return plain | {"OPENPREPAY_DATA": str(tmp_path)}


def run(environment, *command, given=""):
    return subprocess.run(
        [sys.executable, *command],
        env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False, input=given,
    )  # fmt: skip


def loaded(environment, settings):
    """Return what is told of each setting in turn, by loading all settings with it."""
    pairs = [(name, value) for name, values in settings.items() for value in values]
    done = run(environment, "-c", LOAD, given=json.dumps(pairs))
    assert done.returncode == 0, done.stderr
    return [(*pair, told) for pair, told in zip(pairs, json.loads(done.stdout), strict=True)]


def test_each_wrong_setting_is_refused_by_its_name(kept):
    for name, value, told in loaded(kept, WRONG):
        if name == "OPENPREPAY_SESSION_IDLE_MINUTES" and not value:
            assert told == ""  # not set: the default
        elif name in ("OPENPREPAY_DATA", "OPENPREPAY_SECRET_KEY_FILE"):
            assert value in told  # the file is named that can't be read or made
        else:
            assert told.startswith(name), (name, value)
        assert "secret" not in told.replace(value, "") or name.endswith(("DATA", "FILE"))
        assert "sec[ret" not in told


def test_what_is_meant_is_taken(kept):
    assert {told for _, _, told in loaded(kept, MEANT)} == {""}


@pytest.mark.parametrize(
    "command",
    [
        ("tools/prepay.py", "ledger", "check"),
        ("tools/prepay.py", "audit", "verify"),
        ("tools/prepay.py", "provision", "04100000019"),
        ("tools/prepay.py", "run"),
        ("-m", "headend.manage", "check"),
        ("-m", "headend.manage", "work"),
        ("-m", "headend.manage", "migrate"),
        ("-c", "import headend.config.wsgi"),
    ],
    ids=" ".join,
)
def test_every_program_says_so_in_one_sentence(kept, command):
    if command[0] == "tools/prepay.py":
        command = ("-c", "from tools.prepay import main; main()", *command[1:])
    done = run(kept | {"DATABASE_URL": "mysql://u:secret@h/n"}, *command)
    assert done.returncode == (1 if "wsgi" in command[-1] else 2)
    assert "DATABASE_URL is not an address such as" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr + done.stdout


def test_a_program_that_wants_json_gets_the_code(kept):
    prepay = ("-c", "from tools.prepay import main; main()", "ledger", "check", "--json")
    done = run(kept | {"OPENPREPAY_TLS": "ja"}, *prepay)
    assert json.loads(done.stdout)["error"]["code"] == BadSetting.code


def test_a_database_out_of_reach_is_told_by_management_commands_too(kept):
    nowhere = kept | {"DATABASE_URL": "postgres://u:secret@127.0.0.1:1/n"}
    for command in (("migrate",), ("restrict_role", "reader")):
        done = run(nowhere, "-m", "headend.manage", *command)
        assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr
        assert "no answer from the database" in done.stderr


def test_an_audit_key_that_is_damaged_is_named(kept, tmp_path):
    Path(tmp_path / "audit.key").write_text("rubbish")
    prepay = ("-c", "from tools.prepay import main; main()", "audit", "verify")
    done = run(kept, *prepay)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert "audit.key must hold" in done.stderr
