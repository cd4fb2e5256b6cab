"""The software vault: seals keys with AES-256-GCM under the installation's master key."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from headend.config import sealing
from headend.config.secrets import read_or_create
from headend.securitymodule.errors import VaultUnreadable

MASTER_KEY_VARIABLE = "OPENPREPAY_MASTER_KEY"


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


def _master() -> AESGCM:
    return _cipher(os.environ.get(MASTER_KEY_VARIABLE, ""), Path(settings.MASTER_KEY_FILE))


@lru_cache(maxsize=4)
def _cipher(from_environment: str, file: Path) -> AESGCM:
    try:
        text = from_environment or read_or_create(file, byte_count=sealing.KEY_BYTES)
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != sealing.KEY_BYTES:
        where = MASTER_KEY_VARIABLE if from_environment else file
        raise VaultUnreadable(f"{where} must hold {sealing.KEY_BYTES} bytes in hexadecimal")
    return AESGCM(key)
