"""Watches what a test writes for the bytes of any key that the security module had in the clear.

Every head-end test runs under this watch: pages, log records with their tracebacks, and whatever
goes to the database.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from headend.securitymodule import keystores, pkcs11_store, roots, vault

_LEAST_BYTES = 8
_FORMATTER = logging.Formatter("%(message)s")


class LeakWatch(logging.Handler):
    """Knows the clear keys of a test in every form they could be written in."""

    def __init__(self) -> None:
        super().__init__(level=logging.NOTSET)
        self.found: list[str] = []
        self._forms: set[bytes] = set()

    def know(self, clear: bytes) -> bytes:
        """Watch for these bytes from now on; returns them."""
        if len(clear) >= _LEAST_BYTES and any(clear):
            plain, address_safe = base64.b64encode(clear), base64.urlsafe_b64encode(clear)
            self._forms |= {
                clear,
                clear.hex().encode(),
                plain.rstrip(b"="),
                address_safe.rstrip(b"="),
                repr(clear)[2:-1].encode(),
            }
        return clear

    def look_at(self, written: Any, where: str) -> None:
        """Look for known keys in what was written."""
        if not self._forms:
            return
        given = bytes(written) if isinstance(written, bytes | bytearray | memoryview) else None
        content = given if given is not None else str(written).encode("utf-8", "replace")
        small = content.lower()
        for form in self._forms:
            if form in content or form in small:
                self.found.append(where)

    def emit(self, record: logging.LogRecord) -> None:
        """Look at a log record, with its traceback."""
        self.look_at(_FORMATTER.format(record), f"log of {record.name}")

    def statement(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        """Look at what a statement sends to the database."""
        self.look_at(sql, "an SQL statement")
        for row in (params if many else [params]) or ():
            values = row.values() if isinstance(row, dict) else row or ()
            for one in values:
                self.look_at(one, f"a parameter of {sql[:60]}")
        return execute(sql, params, many, context)


@contextmanager
def watching(monkeypatch: pytest.MonkeyPatch) -> Iterator[LeakWatch]:
    """Watch everything that is written inside."""
    watch = LeakWatch()
    seal, unseal, request = vault.seal, vault.unseal, Client.request
    derive_root = roots.derive_link_root
    keep = pkcs11_store.Pkcs11Store.keep

    def request_watched(client: Client, **how: Any) -> Any:
        answer = request(client, **how)
        if not answer.streaming:
            watch.look_at(answer.content, f"page {how.get('PATH_INFO')}")
        return answer

    def knowing(derive: Callable[..., bytes]) -> Callable[..., bytes]:
        return lambda *args, **named: watch.know(derive(*args, **named))

    def seal_watched(clear: bytes, *, label: str) -> bytes:
        return seal(watch.know(clear), label=label)

    def keep_watched(store: Any, clear: bytes, *, label: str) -> bytes:
        return keep(store, watch.know(clear), label=label)

    monkeypatch.setattr(vault, "seal", seal_watched)
    monkeypatch.setattr(vault, "unseal", knowing(unseal))
    monkeypatch.setattr(roots, "derive_link_root", knowing(derive_root))
    monkeypatch.setattr(pkcs11_store.Pkcs11Store, "keep", keep_watched)
    for store in (keystores.SoftwareVault, pkcs11_store.Pkcs11Store):
        for name in ("dkga02", "dkga04"):
            monkeypatch.setattr(store, name, knowing(getattr(store, name)))
    monkeypatch.setattr(Client, "request", request_watched)
    logging.getLogger().addHandler(watch)
    connection.execute_wrappers.append(watch.statement)
    try:
        yield watch
    finally:
        connection.execute_wrappers.remove(watch.statement)
        logging.getLogger().removeHandler(watch)
