"""`manage keys`: a key-load file out of clear keys, and the master key under a passphrase."""

import io
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from headend.securitymodule import load_file

KEYS = {"keys": [{"sgc": "123456", "kt": 2, "krn": 1, "base_date": 2014, "key": "ab" * 20}]}
MODULE = "headend.securitymodule.management.commands.keys"


@pytest.fixture
def type_in(monkeypatch):
    def type_in(*lines):
        rest = iter(lines)
        monkeypatch.setattr(f"{MODULE}.getpass", lambda prompt: next(rest))
        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(KEYS)))

    return type_in


def test_makes_a_file_that_both_halves_open(type_in, tmp_path):
    file = tmp_path / "keys.json"
    type_in("the first half", "the first half", "the second half", "the second half")
    out = StringIO()
    call_command("keys", "make", str(file), stdout=out)
    (key,) = load_file.read(file.read_text(), halves=("the first half", "the second half"))
    assert key.clear_key == bytes.fromhex("ab" * 20)
    assert "1 key;" in out.getvalue()
    type_in("the first half", "the first half", "the second half", "the second half")
    with pytest.raises(CommandError, match="there already"):
        call_command("keys", "make", str(file))


def test_a_folder_that_is_not_there_is_told_before_anybody_types(type_in, tmp_path):
    type_in()
    with pytest.raises(CommandError, match="nothing can be written into the folder"):
        call_command("keys", "make", str(tmp_path / "nowhere" / "keys.json"))


def test_what_was_mistyped_or_is_too_short_writes_nothing(type_in, tmp_path):
    file = tmp_path / "keys.json"
    type_in("the first half", "the frist half")
    with pytest.raises(CommandError, match="typed differently"):
        call_command("keys", "make", str(file))
    assert not file.exists()
    type_in("short", "short", "short", "short")
    with pytest.raises(CommandError, match="at least 8"):
        call_command("keys", "make", str(file))


@pytest.mark.django_db
def test_makes_a_supply_groups_next_message_root():
    out = StringIO()
    for _ in range(2):
        call_command("keys", "make-root", "600001", stdout=out)
    assert out.getvalue().splitlines() == [
        "Made: message root of SGC 600001, generation 1",
        "Made: message root of SGC 600001, generation 2",
    ]
    with pytest.raises(CommandError, match="six digits"):
        call_command("keys", "make-root", "60000")


def test_seals_the_master_key(type_in, settings, tmp_path):
    settings.MASTER_KEY_FILE = tmp_path / "master.key"
    type_in("a long passphrase", "a long passphrase")
    call_command("keys", "seal-master", stdout=StringIO())
    assert settings.MASTER_KEY_FILE.read_text().startswith("{")
