"""Sessions in the database, stored so that a copy of the database cannot be used to log in.

A row of Django's own store is named by the very text in the person's cookie, and what it holds
lies beside it in the clear: among it secrets of second factors that are being set up. Here both
the row's name and the key that seals its content are derived from the cookie and the
installation's secret key. Without the cookie, a row is neither opened nor found out whose it is,
and what was written into another row opens as nothing.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, cast

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from headend.config import sealing

_NAME_BYTES = 20  # in hexadecimal what the column of Django's model holds


class SessionStore(db.SessionStore):
    """One person's session; `session_key` is the cookie's text, which is in no row."""

    def exists(self, session_key: str | None) -> bool:
        """Tell whether a session is kept under this text of a cookie."""
        return Session.objects.filter(pk=_name_of(session_key or "")).exists()

    def delete(self, session_key: str | None = None) -> None:
        """End a session, this one if none is named."""
        session_key = session_key or self.session_key
        if session_key is not None:
            Session.objects.filter(pk=_name_of(session_key)).delete()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """Return the row that keeps this session."""
        row: Any = super().create_model_instance(data)
        row.session_key = _name_of(row.session_key)
        return cast(Session, row)

    def encode(self, session_dict: dict[str, Any]) -> str:
        """Return what a session holds, sealed for this one."""
        clear = json.dumps(session_dict, separators=(",", ":")).encode()
        key = self.session_key or ""  # whoever makes the row has asked for it
        return sealing.seal(_cipher_of(key), clear, label=_name_of(key)).hex()

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """Return what was sealed for this session; nothing if it was sealed for another."""
        key = self.session_key or ""
        try:
            sealed = bytes.fromhex(str(session_data))
            clear = sealing.unseal(_cipher_of(key), sealed, label=_name_of(key))
        except ValueError:
            return {}
        held: dict[str, Any] = json.loads(clear)
        return held

    def _get_session_from_db(self) -> Session | None:
        """Return the row of this session; if there is none, the cookie's text serves no more."""
        key = self.session_key or ""
        row = Session.objects.filter(pk=_name_of(key), expire_date__gt=timezone.now()).first()
        if row is None:
            self._session_key = None
        return row


def _name_of(session_key: str) -> str:
    return _derived(session_key, settings.SECRET_KEY)[:_NAME_BYTES].hex()


def _cipher_of(session_key: str) -> AESGCM:
    return AESGCM(_derived(session_key, settings.SECRET_KEY)[_NAME_BYTES:])


@lru_cache(maxsize=256)  # of what a page asks for several times
def _derived(session_key: str, secret_key: str) -> bytes:
    derive = HKDF(
        SHA256(),
        length=_NAME_BYTES + sealing.KEY_BYTES,
        salt=session_key.encode(),
        info=b"openprepay sessions",
    )
    return derive.derive(secret_key.encode())
