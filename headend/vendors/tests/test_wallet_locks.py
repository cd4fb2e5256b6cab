"""Sales that find a wallet almost empty wait for its purses in one order, and never in a ring."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from headend.config import prepared, statements
from headend.vendors import wallet
from headend.vendors.errors import WalletTooLow

_GATE = 7001
_PASS = f"(SELECT pg_advisory_xact_lock_shared({_GATE})::text)"
_WAITING = f"SELECT 1 FROM pg_locks WHERE objid = {_GATE} AND NOT granted"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_purses_emptied_meanwhile_are_let_go_before_all_are_waited_for(monkeypatch, shop):
    shop.buy(100_00)
    # A sale that has seen full purses and has not yet locked one stands at the gate.
    text = statements.PURSE.raw.replace("random()", _PASS)
    monkeypatch.setattr(statements, "PURSE", prepared.Statement(text))
    free_purses = []
    hold_all = wallet._all_held

    def look_and_hold_all(vendor):
        with _another_connection() as other:
            other.execute("SELECT 1 FROM vendors_purse FOR UPDATE SKIP LOCKED")
            free_purses.append(len(other.fetchall()))
        return hold_all(vendor)

    monkeypatch.setattr(wallet, "_all_held", look_and_hold_all)
    with ThreadPoolExecutor(1) as pool, _another_connection() as other:
        other.execute(f"SELECT pg_advisory_lock({_GATE})")
        sale = pool.submit(_take, shop.vendor, 5_00)
        while not _is_any(other, _WAITING):
            assert not sale.done(), sale.exception()
        other.execute("UPDATE vendors_purse SET available_minor = 0")
        other.execute(f"SELECT pg_advisory_unlock({_GATE})")
        with pytest.raises(WalletTooLow):
            sale.result(60)
    assert free_purses == [wallet.PURSES]


def _take(vendor, amount_minor):
    try:
        with transaction.atomic():
            wallet.take(vendor, amount_minor)
    finally:
        connection.close()


def _is_any(cursor, query):
    cursor.execute(query)
    return cursor.fetchone() is not None


@contextmanager
def _another_connection() -> Iterator[Any]:
    """Yield a cursor that commits each statement."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            yield cursor
    finally:
        other.close()
