"""An audit entry as canonical bytes, the same before and after storage, and its signature.

Each entry carries a code made with a key that lies in a file beside the database, not in it: a
row that somebody wrote or changed by SQL can be told apart from one that the head-end wrote.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from headend.config.secrets import read_or_create

KEY_BYTES = 32
NONCE_BYTES = 16  # makes each signature unique, so that a copied row shows
_PLAIN = frozenset({str, int, bool, type(None)})  # what JSON gives back as it was
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
FIRST_HASH = bytes(32)  # what the first link of the chain follows


class Entry(Protocol):
    """The fields of an audit entry; a model of a migration has them too."""

    pk: Any
    at: datetime
    actor_id: Any
    actor_name: str
    source: str
    action: str
    object_type: str
    object_id: str
    object_label: str
    before: Any
    after: Any
    reason: str
    signature: Any


def own_key() -> bytes:
    """Return this installation's key, created with its file when first needed."""
    return _read_key(settings.AUDIT_KEY_FILE)


@cache
def _read_key(path: Path) -> bytes:
    return bytes.fromhex(read_or_create(path, byte_count=KEY_BYTES))


def sign(entry: Entry, key: bytes) -> bytes:
    """Return the signature of an entry that is about to be written."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _code(entry, nonce, key)


def is_signed(entry: Entry, key: bytes) -> bool:
    """Return True if the entry says what it said when the holder of the key wrote it."""
    signature = bytes(entry.signature)
    nonce, code = signature[:NONCE_BYTES], signature[NONCE_BYTES:]
    return hmac.compare_digest(code, _code(entry, nonce, key))


def content_hash(entry: Entry) -> bytes:
    """Return the hash of everything a stored entry holds, its id and signature included."""
    digest = hashlib.sha256(f"{entry.pk}|".encode())
    digest.update(bytes(entry.signature))
    digest.update(_content(entry))
    return digest.digest()


def chain_hash(
    previous: bytes, *, position: int, entry_id: int, sealed_at: datetime, content: bytes
) -> bytes:
    """Return the hash of a link: it stands for its entry and for all links before it."""
    facts = f"{position}|{entry_id}|{_instant(sealed_at)}|".encode()
    return hashlib.sha256(previous + facts + content).digest()


def _code(entry: Entry, nonce: bytes, key: bytes) -> bytes:
    return hmac.digest(key, nonce + _content(entry), "sha256")


def _content(entry: Entry) -> bytes:
    facts = [
        _instant(entry.at),
        entry.actor_id,
        entry.actor_name,
        entry.source,
        entry.action,
        entry.object_type,
        entry.object_id,
        entry.object_label,
        _plain(entry.before),
        _plain(entry.after),
        entry.reason,
    ]
    return _CANONICAL.encode(facts).encode()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _plain(value: Any) -> Any:
    """Return what the database gives back for a JSON value."""
    if value is None or (isinstance(value, dict) and _is_plain(value)):
        return value
    return json.loads(json.dumps(value, cls=DjangoJSONEncoder), parse_float=_number)


def _is_plain(value: dict[Any, Any]) -> bool:
    return all(type(key) is str and type(each) in _PLAIN for key, each in value.items())


def _number(text: str) -> int | float:
    """PostgreSQL writes 1e3 as 1000 and keeps 1.0; both are the same number here."""
    number = float(text)
    return int(number) if number.is_integer() else number
