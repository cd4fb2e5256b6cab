"""Keeps vending keys inside a PKCS#11 module, from which they can't be taken out again."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from headend.securitymodule.derivation import DECODER_KEY_LENGTH
from headend.securitymodule.errors import ModuleUnavailable
from headend.securitymodule.keystores import DerivingStore

# HMAC pads its key with zeros to 64 bytes anyway, so a 20-byte key padded to the 32 bytes that
# modules want for HMAC-SHA-256 gives the same result.
PADDED_LENGTH = 32
_ID_BYTES = 16

_lock = threading.Lock()  # a session serves one call at a time
_sessions: dict[tuple[int, str, str], Any] = {}  # by process: a session does not survive a fork


class Pkcs11Store(DerivingStore):
    """Keys as sensitive, non-extractable objects of one token."""

    def __init__(self) -> None:
        try:
            import pkcs11
        except ImportError:
            raise ModuleUnavailable(
                "the package python-pkcs11 is not installed: pip install 'openprepay[hsm]'"
            ) from None
        self._pkcs11 = pkcs11

    @sensitive_variables()
    def keep(self, clear: bytes, *, label: str) -> bytes:
        """Put a key into the module and return the id under which it is found."""
        kept, attribute = secrets.token_bytes(_ID_BYTES), self._pkcs11.Attribute
        template = {
            attribute.CLASS: self._pkcs11.ObjectClass.SECRET_KEY,
            attribute.KEY_TYPE: self._pkcs11.KeyType.GENERIC_SECRET,
            attribute.TOKEN: True,
            attribute.PRIVATE: True,
            attribute.SENSITIVE: True,
            attribute.EXTRACTABLE: False,
            attribute.MODIFIABLE: False,
            attribute.SIGN: True,
            attribute.ID: kept,
            attribute.LABEL: label,
            attribute.VALUE: clear.ljust(PADDED_LENGTH, b"\0"),
        }
        self._do(lambda session: session.create_object(template))
        return kept

    def forget(self, kept: bytes, *, label: str) -> None:
        """Delete a key from the module."""
        self._do(lambda session: self._found(session, kept, label).destroy())

    def dkga02(self, kept: bytes, *, label: str, pan_block: bytes, control_block: bytes) -> bytes:
        """Refuse: the key would have to leave the module."""
        raise ModuleUnavailable(f"{label}: a PKCS#11 module can't derive by DKGA02")

    @sensitive_variables()
    def dkga04(self, kept: bytes, *, label: str, message: bytes, ea: int) -> bytes:
        """Have the module compute the HMAC and return its left end."""
        mechanism = self._pkcs11.Mechanism.SHA256_HMAC
        code = self._do(
            lambda session: self._found(session, kept, label).sign(message, mechanism=mechanism)
        )
        return bytes(code[: DECODER_KEY_LENGTH[ea]])

    def _found(self, session: Any, kept: bytes, label: str) -> Any:
        try:
            return session.get_key(
                object_class=self._pkcs11.ObjectClass.SECRET_KEY, id=bytes(kept), label=label
            )
        except self._pkcs11.exceptions.NoSuchKey:
            raise ModuleUnavailable(
                f"the PKCS#11 token {settings.PKCS11_TOKEN} does not hold {label}; "
                "restore the token's backup or load the key anew"
            ) from None

    @sensitive_variables()
    def _do(self, act: Callable[[Any], Any]) -> Any:
        """Do something in the open session, one call at a time.

        One that the module gave up (it was restarted, its cable was pulled) is opened anew, once.
        """
        with _lock:
            where = (os.getpid(), settings.PKCS11_LIBRARY, settings.PKCS11_TOKEN)
            if where in _sessions:
                try:
                    return act(_sessions[where])
                except self._pkcs11.exceptions.PKCS11Error:
                    self._close(_sessions.pop(where))
            try:
                _sessions[where] = self._opened()
                return act(_sessions[where])
            except (
                self._pkcs11.exceptions.PKCS11Error,
                RuntimeError,
                OSError,
                ValueError,
            ) as error:
                raise _unusable(error) from None

    def _opened(self) -> Any:
        if not settings.PKCS11_LIBRARY:
            raise ModuleUnavailable(
                "this key is in a PKCS#11 module, and OPENPREPAY_PKCS11_LIBRARY names none"
            )
        library = self._pkcs11.lib(settings.PKCS11_LIBRARY)
        token = library.get_token(token_label=settings.PKCS11_TOKEN)
        return token.open(rw=True, user_pin=_pin())

    def _close(self, session: Any) -> None:
        """Close a session that failed: a second login beside an open one would be refused."""
        with suppress(self._pkcs11.exceptions.PKCS11Error):
            session.close()


def _pin() -> str:
    return Path(settings.PKCS11_PIN_FILE).read_text(encoding="utf-8").strip()


def _unusable(error: Exception) -> ModuleUnavailable:
    words = str(error) or type(error).__name__
    return ModuleUnavailable(
        f"the PKCS#11 module can't be used ({words}); check OPENPREPAY_PKCS11_LIBRARY, _TOKEN "
        "and _PIN_FILE"
    )
