"""What every head-end test gets: secrets of its own, quick passwords, a flush that works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client, TransactionTestCase

from headend.accounts.services import create_user
from headend.ledger.services import forget_accounts
from headend.securitymodule.tests.leaks import LeakWatch, watching
from headend.testing import NOON
from headend.testing_processes import Seeded


@pytest.fixture(autouse=True)
def own_secrets(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep tests away from the keys and files of the installation they run beside."""
    folder = tmp_path_factory.getbasetemp()
    settings.DEMONSTRATION = True
    settings.MASTER_KEY_FILE = folder / "master.key"
    settings.AUDIT_KEY_FILE = folder / "audit.key"
    settings.DEMONSTRATION_FILE = Path(folder / "demonstration.json")
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def key_leaks(monkeypatch: pytest.MonkeyPatch) -> Iterator[LeakWatch]:
    """Fail a test that wrote a key in the clear: to a page, the log or the database."""
    with watching(monkeypatch) as watch:
        yield watch
    assert watch.found == [], "a key was written in the clear"


@pytest.fixture(scope="session")
def seeded(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: Any,
) -> Seeded:
    """A seeded database for real processes, made once."""
    with django_db_blocker.unblock():
        return Seeded(tmp_path_factory.mktemp("seeded"))


@pytest.fixture
def environment(seeded: Seeded, tmp_path: Path, django_db_blocker: Any) -> dict[str, str]:
    """Environment of real processes that share a seeded database of their own."""
    with django_db_blocker.unblock():
        return seeded.copy(tmp_path)


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have pages believe that it is NOON, the time at which supplies for tests begin."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOON)


@pytest.fixture
def log_in(db: None, at_noon: None) -> Callable[..., Client]:
    """Log somebody of some groups in, at noon; `client.user` is who."""

    def log_in(*groups: str) -> Client:
        client: Any = Client()
        client.user = create_user(
            username=groups[0] if groups else "nobody", password=None, groups=groups
        )
        client.force_login(client.user)
        return client

    return log_in


@pytest.fixture(autouse=True, scope="session")
def flush_passes_triggers() -> Iterator[None]:
    """Let the flush after a transactional test empty the append-only tables."""
    case_class: Any = TransactionTestCase
    flush = case_class._fixture_teardown

    def flush_without_triggers(case: TransactionTestCase) -> None:
        with_triggers_again = _disable_triggers()
        forget_accounts()
        try:
            flush(case)
        finally:
            with_triggers_again()

    case_class._fixture_teardown = flush_without_triggers
    yield
    case_class._fixture_teardown = flush


@pytest.fixture
def triggers_off(transactional_db: None) -> Iterator[None]:
    """Have nothing in the database refuse a change, as for its owner with bad intent."""
    with_triggers_again = _disable_triggers()
    if connection.vendor == "sqlite":
        _execute("PRAGMA foreign_keys = OFF")
    yield
    if connection.vendor == "sqlite":
        _execute("PRAGMA foreign_keys = ON")
    with_triggers_again()


def _disable_triggers() -> Callable[[], None]:
    """Switch triggers off in this connection; return what switches them on again."""
    if connection.vendor == "postgresql":
        _execute("SET session_replication_role = replica")
        return lambda: _execute("SET session_replication_role = DEFAULT")
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
    _execute(*(f"DROP TRIGGER {name}" for name, _ in triggers))
    return lambda: _execute(*(sql for _, sql in triggers))


def _execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
