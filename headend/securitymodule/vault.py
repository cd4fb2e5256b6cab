"""The software vault: seals keys with AES-256-GCM under the installation's master key."""

from __future__ import annotations

import json
import os
import secrets
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from headend.config import sealing
from headend.config.environment import BadSetting
from headend.config.secrets import read_or_create, replace
from headend.securitymodule.errors import VaultUnreadable
from headend.securitymodule.stretching import derive

MASTER_KEY_VARIABLE = "OPENPREPAY_MASTER_KEY"
PASSPHRASE_LENGTH = 12
_MASTER_LABEL = "openprepay master key"
_SALT_BYTES = 16
_WORK = {"time_cost": 3, "memory_kib": 65536, "lanes": 4}


def seal(clear: bytes, *, label: str) -> bytes:
    """Return a key encrypted and bound to what it is.

    Args:
        clear: the key.
        label: everything that says which key it is; a sealed key opens under no other label, so
            it can't be moved to another row of the database.
    """
    return sealing.seal(_master(), clear, label=label)


def unseal(sealed: bytes | memoryview, *, label: str) -> bytes:
    """Return the clear key.

    Raises:
        VaultUnreadable: it was sealed under another master key or label, or was altered.
    """
    try:
        return sealing.unseal(_master(), sealed, label=label)
    except sealing.Unreadable:
        raise VaultUnreadable(
            f"the sealed key for {label} does not open; restore the master key it was sealed under"
        ) from None


def seal_master(file: Path, passphrase: str) -> None:
    """Seal the master key's file with a passphrase; from then on it opens only with it.

    Args:
        file: holds the master key in hexadecimal.
        passphrase: at least PASSPHRASE_LENGTH characters.

    Raises:
        VaultUnreadable: the file is sealed already or holds no key, or the passphrase is short.
    """
    if len(passphrase) < PASSPHRASE_LENGTH:
        raise VaultUnreadable(f"the passphrase needs at least {PASSPHRASE_LENGTH} characters")
    try:
        key = bytes.fromhex(read_or_create(file, byte_count=sealing.KEY_BYTES))
    except BadSetting:
        raise VaultUnreadable(f"{file} holds no master key in the clear") from None
    work = {"salt": secrets.token_hex(_SALT_BYTES), **_WORK}
    sealed = sealing.seal(AESGCM(derive(passphrase.encode(), work)), key, label=_MASTER_LABEL)
    replace(file, json.dumps({"argon2id": work, "sealed": sealed.hex()}))
    _cipher.cache_clear()


def _master() -> AESGCM:
    return _cipher(
        os.environ.get(MASTER_KEY_VARIABLE, ""),
        str(settings.MASTER_KEY_FILE),
        settings.MASTER_PASSPHRASE_FILE,
    )


@lru_cache(maxsize=4)
def _cipher(from_environment: str, file_name: str, passphrase_file: str) -> AESGCM:
    file = Path(file_name)
    if not from_environment and file.exists() and file.read_bytes()[:1] == b"{":
        return _opened(file, passphrase_file)
    try:
        text = from_environment or read_or_create(file, byte_count=sealing.KEY_BYTES)
        key = bytes.fromhex(text)
    except BadSetting as error:
        raise VaultUnreadable(str(error)) from None
    except ValueError:
        key = b""
    if len(key) != sealing.KEY_BYTES:
        raise VaultUnreadable(
            f"{MASTER_KEY_VARIABLE} must hold {sealing.KEY_BYTES} bytes in hexadecimal"
        )
    return AESGCM(key)


def _opened(file: Path, passphrase_file: str) -> AESGCM:
    """Return the cipher of a master key that is sealed with a passphrase."""
    if not passphrase_file:
        raise VaultUnreadable(f"{file} is sealed; name OPENPREPAY_MASTER_PASSPHRASE_FILE")
    try:
        passphrase = Path(passphrase_file).read_text(encoding="utf-8").strip()
        found = json.loads(file.read_text(encoding="ascii"))
        under = AESGCM(derive(passphrase.encode(), found["argon2id"]))
        return AESGCM(sealing.unseal(under, bytes.fromhex(found["sealed"]), label=_MASTER_LABEL))
    except (OSError, ValueError, KeyError, TypeError):
        raise VaultUnreadable(f"{file} does not open with the passphrase") from None
