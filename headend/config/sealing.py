"""Seals small secrets with AES-256-GCM, each bound to its purpose."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_FORMAT = b"\x01"
_NONCE_BYTES = 12


class Unreadable(ValueError):
    """Something sealed does not open: another key, another label, or it was altered."""


def seal(cipher: AESGCM, clear: bytes, *, label: str) -> bytes:
    """Return a secret encrypted and bound to what it is.

    Args:
        cipher: of a 32-byte key.
        clear: the secret.
        label: everything that says which secret it is; it opens under no other label, so it
            can't be moved to another row of the database.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _FORMAT + nonce + cipher.encrypt(nonce, clear, label.encode())


def unseal(cipher: AESGCM, sealed: bytes | memoryview, *, label: str) -> bytes:
    """Return the clear secret.

    Raises:
        Unreadable: it was sealed under another key or label, or was altered.
    """
    sealed = bytes(sealed)
    nonce = sealed[1 : 1 + _NONCE_BYTES]
    if sealed[:1] == _FORMAT:
        try:
            return cipher.decrypt(nonce, sealed[1 + _NONCE_BYTES :], label.encode())
        except (InvalidTag, ValueError):
            pass
    raise Unreadable(f"what is sealed for {label} does not open")
