"""Signs what is sent, as the Standard Webhooks specification has it, so that libraries for many
languages can verify it: HMAC-SHA256 over id, time and raw body. Stored secrets are sealed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from headend.config import sealing

_MARK = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """Return a new secret, as the receiver is told it."""
    return _MARK + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def headers(
    *, event_id: str, body: bytes, at: datetime, secrets_valid: Iterable[str]
) -> dict[str, str]:
    """Return the headers by which a receiver knows that a request is ours, and when it was sent.

    Args:
        event_id: the event's; the same at each attempt.
        body: exactly what is sent.
        at: now.
        secrets_valid: one, or two while one is being exchanged; each gives a signature.
    """
    seconds = int(at.timestamp())
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(
            _signature(secret, event_id, seconds, body) for secret in secrets_valid
        ),
    }


def seal(secret: str, *, webhook_id: int) -> bytes:
    """Return a secret as it is stored: it opens for that webhook only."""
    return sealing.seal(_cipher(), secret.encode(), label=_label(webhook_id))


def unseal(sealed: bytes | memoryview, *, webhook_id: int) -> str:
    """Return a stored secret.

    Raises:
        sealing.Unreadable: it was sealed under another secret key of the installation.
    """
    return sealing.unseal(_cipher(), sealed, label=_label(webhook_id)).decode()


def _label(webhook_id: int) -> str:
    return f"secret of webhook {webhook_id}"


def _signature(secret: str, event_id: str, seconds: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_MARK))
    told = f"{event_id}.{seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, told, hashlib.sha256)).decode()


def _cipher() -> AESGCM:
    return _cipher_of(settings.SECRET_KEY)


@lru_cache(maxsize=2)
def _cipher_of(secret_key: str) -> AESGCM:
    derive = HKDF(SHA256(), length=sealing.KEY_BYTES, salt=None, info=b"openprepay webhooks")
    return AESGCM(derive.derive(secret_key.encode()))
