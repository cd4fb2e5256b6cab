"""The software vault: seals keys with AES-256-GCM under the installation's master key."""

from __future__ import annotations

import os
import secrets
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from headend.config.secrets import read_or_create
from headend.securitymodule.errors import VaultUnreadable

MASTER_KEY_VARIABLE = "OPENPREPAY_MASTER_KEY"
_MASTER_KEY_BYTES = 32
_FORMAT = b"\x01"
_NONCE_BYTES = 12


def seal(clear: bytes, *, label: str) -> bytes:
    """Return a key encrypted and bound to what it is.

    Args:
        clear: the key.
        label: everything that says which key it is; a sealed key opens under no other label, so
            it can't be moved to another row of the database.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _FORMAT + nonce + _master().encrypt(nonce, clear, label.encode())


def unseal(sealed: bytes | memoryview, *, label: str) -> bytes:
    """Return the clear key.

    Raises:
        VaultUnreadable: it was sealed under another master key or label, or was altered.
    """
    sealed = bytes(sealed)
    nonce = sealed[1 : 1 + _NONCE_BYTES]
    if sealed[:1] == _FORMAT:
        try:
            return _master().decrypt(nonce, sealed[1 + _NONCE_BYTES :], label.encode())
        except (InvalidTag, ValueError):
            pass
    raise VaultUnreadable(
        f"the sealed key for {label} does not open; restore the master key it was sealed under"
    )


def _master() -> AESGCM:
    return _cipher(os.environ.get(MASTER_KEY_VARIABLE, ""), Path(settings.MASTER_KEY_FILE))


@lru_cache(maxsize=4)
def _cipher(from_environment: str, file: Path) -> AESGCM:
    try:
        text = from_environment or read_or_create(file, byte_count=_MASTER_KEY_BYTES)
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _MASTER_KEY_BYTES:
        where = MASTER_KEY_VARIABLE if from_environment else file
        raise VaultUnreadable(f"{where} must hold {_MASTER_KEY_BYTES} bytes in hexadecimal")
    return AESGCM(key)
