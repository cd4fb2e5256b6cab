"""Sealed keys open only where, and as what, they were sealed."""

import pytest

from headend.securitymodule import vault
from headend.securitymodule.errors import VaultUnreadable

CLEAR = b"twenty-byte-long-key"


def test_seals_and_unseals():
    sealed = vault.seal(CLEAR, label="a")
    assert CLEAR not in sealed
    assert vault.unseal(memoryview(sealed), label="a") == CLEAR


def test_every_seal_differs():
    assert vault.seal(CLEAR, label="a") != vault.seal(CLEAR, label="a")


def test_opens_under_no_other_label():
    with pytest.raises(VaultUnreadable):
        vault.unseal(vault.seal(CLEAR, label="a"), label="b")


def test_notices_any_changed_byte():
    sealed = vault.seal(CLEAR, label="a")
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(VaultUnreadable):
            vault.unseal(bytes(altered), label="a")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + bytes(12)])
def test_rubbish_does_not_open(sealed):
    with pytest.raises(VaultUnreadable):
        vault.unseal(sealed, label="a")


def test_master_key_from_environment_comes_first(monkeypatch):
    sealed = vault.seal(CLEAR, label="a")
    monkeypatch.setenv(vault.MASTER_KEY_VARIABLE, "11" * 32)
    with pytest.raises(VaultUnreadable, match="master key"):
        vault.unseal(sealed, label="a")
    own = vault.seal(CLEAR, label="a")
    monkeypatch.delenv(vault.MASTER_KEY_VARIABLE)
    assert vault.unseal(sealed, label="a") == CLEAR
    with pytest.raises(VaultUnreadable):
        vault.unseal(own, label="a")


@pytest.mark.parametrize("text", ["11" * 16, "11" * 33, "not hexadecimal", "1"])
def test_damaged_master_keys_are_refused(monkeypatch, settings, tmp_path, text):
    settings.MASTER_KEY_FILE = tmp_path / "master.key"
    settings.MASTER_KEY_FILE.write_text(text)
    with pytest.raises(VaultUnreadable, match=r"master\.key must hold 32 bytes"):
        vault.seal(CLEAR, label="a")
    monkeypatch.setenv(vault.MASTER_KEY_VARIABLE, text)
    with pytest.raises(VaultUnreadable, match="MASTER_KEY must hold 32 bytes"):
        vault.seal(CLEAR, label="a")


@pytest.fixture
def own_master(settings, tmp_path):
    settings.MASTER_KEY_FILE = tmp_path / "master.key"
    settings.MASTER_PASSPHRASE_FILE = ""
    return settings.MASTER_KEY_FILE


def test_a_master_key_sealed_with_a_passphrase_opens_with_it_only(own_master, settings, tmp_path):
    sealed = vault.seal(CLEAR, label="a")
    clear_master = own_master.read_text().strip()
    vault.seal_master(own_master, "a long passphrase")
    assert clear_master not in own_master.read_text()
    assert own_master.stat().st_mode & 0o777 == 0o600
    with pytest.raises(VaultUnreadable, match="PASSPHRASE_FILE"):
        vault.unseal(sealed, label="a")
    passphrase = tmp_path / "passphrase"
    settings.MASTER_PASSPHRASE_FILE = str(passphrase)
    for wrong in (None, "another passphrase"):
        if wrong:
            passphrase.write_text(wrong)
        with pytest.raises(VaultUnreadable, match="does not open with the passphrase"):
            vault.unseal(sealed, label="a")
    passphrase.write_text("a long passphrase\n")
    assert vault.unseal(sealed, label="a") == CLEAR


def test_sealing_the_master_key_needs_a_long_passphrase_and_a_clear_key(own_master):
    with pytest.raises(VaultUnreadable, match="at least 12"):
        vault.seal_master(own_master, "short")
    vault.seal_master(own_master, "a long passphrase")
    with pytest.raises(VaultUnreadable, match="no master key in the clear"):
        vault.seal_master(own_master, "a long passphrase")
