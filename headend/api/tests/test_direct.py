"""A vend is answered directly; it is the same answer as the framework's, and on today's terms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from headend.accounts.models import User
from headend.accounts.services import console_user
from headend.api import direct
from headend.api.keys import revoke_key
from headend.api.models import ApiKey
from headend.api.tests.test_vend import asking
from headend.config import prepared, statements
from headend.securitymodule.models import VendingKey
from headend.tariffs.models import TariffVersion
from headend.testing import NOON, new_drn, traffic
from headend.vending.models import Sale
from headend.vendors.services import suspend
from headend.vendors.tests.conftest import Shop

SAME = {"tender_minor": 10_000, "message_id": "m-1"}
OUT_OF_THE_ORDINARY: dict[str, Any] = {
    "not JSON": b"{",
    "no object": b"[1]",
    "nothing": b"",
    "no UTF-8": b'{"meter": "\xff"}',
    "half a surrogate": b'{"meter": "\\ud800", "tender_minor": 1, "message_id": "m"}',
    "a field is missing": {"meter": "07000000000"},
    "a field too many": {"colour": "red"},
    "text for a number": {"tender_minor": "ten"},
    "less than nothing": {"tender_minor": -1},
    "too much": {"tender_minor": 10**30},
    "not a number": b'{"meter": "1", "tender_minor": NaN, "message_id": "m"}',
    "a check digit": {"meter": "01234567890"},
    "letters": {"meter": "meter"},
    "an unknown meter": {"meter": new_drn()},
    "an unknown currency": {"currency": "XXX"},
    "a message id of blanks": {"message_id": "\n"},
}


def _post(path: str, body: bytes | dict[str, Any], text: str, supply: Any) -> HttpResponse:
    if isinstance(body, dict):
        body = SAME | {"meter": supply.meter.drn} | body
        if path == "/vend/trial":
            body = {name: value for name, value in body.items() if name != "message_id"}
    answer: Any = Client(headers={"authorization": text}).post(
        f"/api/v1{path}", body, content_type="application/json"
    )
    return answer


@pytest.mark.parametrize("path", ["/vend", "/vend/trial"])
@pytest.mark.parametrize("what", OUT_OF_THE_ORDINARY)
def test_what_is_out_of_the_ordinary_is_answered_as_the_framework_does(
    what, path, program, supply, monkeypatch
):
    key = f"Bearer {program().text}"
    body = OUT_OF_THE_ORDINARY[what]
    directly = _post(path, body, key, supply)
    monkeypatch.setattr(direct, "_OPERATIONS", {})
    framework = _post(path, body, key, supply)
    assert directly.status_code >= 400 or path == "/vend/trial"
    assert (directly.status_code, directly.content, directly.headers) == (
        framework.status_code,
        framework.content,
        framework.headers,
    )


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer opk_a_b", "bearer {}", "Basic {}", "{}"])
def test_keys_are_told_as_the_framework_does(header, program, supply, monkeypatch):
    header = header.format(program().text)
    directly = _post("/vend/trial", {}, header, supply)
    monkeypatch.setattr(direct, "_OPERATIONS", {})
    framework = _post("/vend/trial", {}, header, supply)
    assert (directly.status_code, directly.content) == (framework.status_code, framework.content)


def test_a_key_without_the_scope_is_refused(program, supply, code):
    answer = program("meters:read").post("/vend", asking(supply))
    assert (answer.status_code, code(answer)) == (403, "scope_missing")


def test_the_framework_is_not_asked_about_a_vend(program, supply, monkeypatch):
    monkeypatch.setattr("headend.api.middleware.resolve", None)
    assert program().post("/vend", asking(supply)).status_code == 200


# --- terms that are kept -------------------------------------------------------------------------


@pytest.fixture
def caller(program, supply):
    """A program whose key, permissions, tariff and vending key are all kept by now."""
    made = program()
    for number in range(3):
        assert made.post("/vend", asking(supply, f"before-{number}")).status_code == 200
    return made


def test_terms_that_are_kept_are_not_read_again(caller, supply):
    with traffic() as seen:
        caller.post("/vend", asking(supply))
    read = " ".join(seen.statements)
    assert "api_edition" in read
    for table in ("api_apikey", "accounts_user", "tariffs_tariffversion", "vendingkey"):
        assert f"FROM {table}" not in read, table
    # the edition and the meter; its lock and all that the sale depends on; accounts; the sale
    assert seen.trips == 4


def test_a_key_that_is_revoked_sells_no_more(caller, supply, code):
    revoke_key(caller.key, by=console_user(), at=NOON)
    answer = caller.post("/vend", asking(supply))
    assert (answer.status_code, code(answer)) == (401, "not_authenticated")


def test_a_program_that_may_not_any_more_sells_no_more(caller, supply, code):
    program = User.objects.get(username="api-bank")
    program.user_permissions.clear()
    program.groups.clear()
    answer = caller.post("/vend", asking(supply))
    assert (answer.status_code, code(answer)) == (403, "not_permitted")


def test_a_program_that_is_shut_out_sells_no_more(caller, supply):
    User.objects.filter(username="api-bank").update(is_active=False)
    assert caller.post("/vend", asking(supply)).status_code == 401


def test_a_vending_key_that_has_ended_makes_no_token(caller, supply, code):
    VendingKey.objects.update(active_until=NOON - timedelta(seconds=1))
    answer = caller.post("/vend", asking(supply))
    assert (answer.status_code, code(answer)) == (422, "key_not_active")
    assert Sale.objects.count() == 3


def test_a_new_version_of_the_tariff_is_sold_by_at_once(caller, supply, monkeypatch):
    version = TariffVersion.objects.get()
    newer = TariffVersion.objects.create(
        tariff=version.tariff,
        valid_from=NOON + timedelta(days=1),
        currency=version.currency,
        rules=version.rules,
        made_by=version.made_by,
    )
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOON + timedelta(days=1))
    caller.post("/vend", asking(supply))
    assert Sale.objects.latest("pk").tariff_version == newer


def test_a_vendor_that_is_suspended_sells_no_more(program, supply, code):
    shop = Shop()
    shop.buy(100_000)
    shop.open_shift()
    till = shop.till
    till.needs_shift = False
    till.save()
    caller = program(till=till)
    for number in range(3):
        assert caller.post("/vend", asking(supply, f"m-{number}")).status_code == 200
    suspend(shop.vendor, by=console_user(), at=NOON, reason="audit")
    answer = caller.post("/vend", asking(supply, "m-9"))
    assert (answer.status_code, code(answer)) == (422, "vendor_suspended")


@pytest.mark.parametrize("number", ["drn", "pan", "no number"])
def test_a_request_that_meets_a_change_of_terms_counts_once(number, program, supply, monkeypatch):
    counted: list[int] = []

    def count(_: object, key: ApiKey, *__: object, **___: object) -> bool:
        counted.append(key.pk)
        return True

    monkeypatch.setattr("headend.api.rates.Rates.count", count)
    limited = program(requests_per_minute=100)
    for each in range(3):
        assert limited.post("/vend", asking(supply, f"before-{each}")).status_code == 200
    counted.clear()
    User.objects.filter(username="api-bank").update(first_name="changed")
    meter = getattr(supply.meter, number, number)
    limited.post("/vend", asking(supply) | {"meter": meter})
    assert counted == [limited.key.pk]


@pytest.mark.parametrize("number", ["drn", "pan"])
def test_the_meter_is_read_together_with_the_edition(number, caller, supply):
    with traffic() as seen:
        caller.post("/vend", asking(supply) | {"meter": getattr(supply.meter, number)})
    assert seen.trips == 4


def test_a_vend_of_a_vendor_changes_no_terms(program, supply):
    """Or every sale would have every process read all of them again."""
    shop = Shop()
    shop.buy(100_000)
    shop.till.needs_shift = False
    shop.till.save()
    caller = program(till=shop.till)
    before = prepared.run([prepared.Ask(statements.EDITION, ())])
    for number in range(3):
        assert caller.post("/vend", asking(supply, f"m-{number}")).status_code == 200
    assert prepared.run([prepared.Ask(statements.EDITION, ())]) == before
