"""Terms of sale that are kept: relied on while nothing changed, and not one request longer."""

from __future__ import annotations

import re
from contextlib import suppress
from importlib import import_module

import pytest
from django.db import IntegrityError, connection, transaction

from headend.accounts.services import console_user
from headend.api.keys import create_key
from headend.api.scopes import SCOPES
from headend.config import prepared, statements, terms
from headend.testing import NOON, make_supply, traffic
from headend.vendors.models import Vendor
from headend.vendors.tests.conftest import Shop

pytestmark = pytest.mark.django_db

NAMED = prepared.Statement(
    "SELECT {v:vendors.Vendor} FROM vendors_vendor v WHERE name = %s", keeps=True
)
COUNT = prepared.Statement("SELECT count(*) FROM vendors_contract")
EDITION = prepared.Ask(statements.EDITION, ())
WATCHED = import_module("headend.api.migrations.0002_editions_of_the_terms_of_sale").OF_TERMS
IS_NO_TERM = {"accounts_user": "last_login", "api_apikey": "last_used_at"}


@pytest.fixture(autouse=True)
def vendor(monkeypatch: pytest.MonkeyPatch) -> Vendor:
    monkeypatch.setattr(terms, "_newest", terms._Edition(None))  # a process that has just begun
    return Vendor.objects.create(name="Kiosk", currency="ZAR", created_at=NOON)


def phone() -> str:
    """Ask as a request does, for something kept and for something that never is."""
    with terms.relied_on(EDITION):
        found = prepared.first(NAMED, "Kiosk").phone
        prepared.rows(COUNT)
    return str(found)


def edition() -> int:
    [[(number,)]] = prepared.run([EDITION])
    return int(number)


def test_what_is_kept_is_not_asked_again():
    phone()
    with traffic() as seen:
        phone()
    assert seen.statements == [statements.EDITION.raw, COUNT.raw]
    assert seen.trips == 1


def test_a_request_that_does_not_rely_on_it_asks(vendor):
    phone()
    Vendor.objects.update(phone="1")
    assert prepared.first(NAMED, "Kiosk").phone == "1"


def test_who_relied_on_what_has_changed_begins_anew_and_finds_it():
    phone()
    Vendor.objects.update(phone="1")
    with pytest.raises(terms.TermsChanged):
        phone()
    assert phone() == "1"


def test_a_change_that_was_taken_back_leaves_nothing_behind():
    phone()
    with transaction.atomic():
        Vendor.objects.update(phone="of a change that never was")
        with pytest.raises(terms.TermsChanged):
            phone()
        assert phone() == "of a change that never was"
        transaction.set_rollback(True)
    with pytest.raises(terms.TermsChanged):
        phone()
    assert phone() == ""


def test_without_an_edition_nothing_is_kept():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM api_edition")
    phone()
    Vendor.objects.update(phone="1")
    assert phone() == "1"


def test_every_table_that_kept_statements_read_is_watched():
    kept = [one for one in vars(statements).values() if getattr(one, "keeps", False)]
    read = {table for one in kept for table in re.findall(r"(?:FROM|JOIN) (\w+_\w+)", one.raw)}
    assert len(kept) > 3
    assert read == set(WATCHED)


@pytest.mark.parametrize("table", WATCHED)
def test_every_change_of_a_watched_table_makes_another_edition(table, one_of_each):
    before = edition()
    columns = set(_columns(table)) - {"id", IS_NO_TERM.get(table)}
    with connection.cursor() as cursor:
        for column in sorted(columns):
            with suppress(IntegrityError), transaction.atomic():  # some tables are append-only
                cursor.execute(f'UPDATE {table} SET "{column}" = "{column}"')
                after = edition()
                assert after != before, column
                before = after


def test_that_somebody_came_in_is_no_change_of_terms(one_of_each):
    before = edition()
    with connection.cursor() as cursor:
        for table, column in IS_NO_TERM.items():
            cursor.execute(f'UPDATE {table} SET "{column}" = "{column}"')
    assert edition() == before


@pytest.fixture
def one_of_each() -> None:
    """Have a row in each watched table."""
    make_supply()
    shop = Shop()
    create_key(
        program="bank",
        name="for a test",
        scopes=SCOPES,
        by=console_user(),
        at=NOON,
        expires_at=NOON.replace(year=NOON.year + 1),
    )
    assert shop.vendor.contract_id


def _columns(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} LIMIT 0")
        return [column[0] for column in cursor.description]
