"""Keys: shown once, hashed, scoped, limited, expiring, revoked; by page and by command."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError

from headend.accounts.errors import InvalidProgram
from headend.accounts.services import console_user
from headend.api import keys
from headend.api.errors import InvalidKey, NotAuthenticated
from headend.api.models import ApiKey, RequestTally
from headend.api.rates import SHARE, Rates
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.config.opaque import id_of
from headend.testing import NOON
from headend.vendors.errors import InvalidVendor
from headend.vendors.models import Operator
from headend.vendors.services import add_till
from headend.vendors.tests.conftest import Shop


def test_without_a_good_key_nobody_comes_in(program, client, code):
    text = program().text
    for header in ("", "Bearer", "Bearer x", f"Bearer {text}x", f"Basic {text}", "Bearer opk_a_b"):
        answer = client.get("/api/v1/customers", headers={"authorization": header})
        assert (answer.status_code, code(answer)) == (401, "not_authenticated"), header
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    answer = client.get("/api/v1/customers", headers={"authorization": f"Bearer {text}"})
    assert answer.status_code == 200


def test_a_key_is_good_for_its_scopes_only(program, code):
    caller = program("meters:read")
    assert caller.get("/meters").status_code == 200
    answer = caller.get("/customers")
    assert (answer.status_code, code(answer)) == (403, "scope_missing")


def test_a_key_ends_when_it_expires_is_revoked_or_its_program_is_stopped(program):
    made = program()
    later = made.key.expires_at
    assert keys.recognise(made.text, at=later - timedelta(seconds=1)) == made.key
    with pytest.raises(NotAuthenticated):
        keys.recognise(made.text, at=later)
    keys.revoke_key(made.key, by=console_user(), at=NOON, reason="leaked")
    assert made.get("/meters").status_code == 401
    other = program(name="shop")
    get_user_model().objects.filter(pk=other.key.program_id).update(is_active=False)
    assert other.get("/meters").status_code == 401


def test_the_secret_is_kept_nowhere(program):
    made = program()
    secret = made.text.split("_", 2)[2]
    assert secret not in str(ApiKey.objects.values().get())
    assert secret not in str(list(AuditEntry.objects.values()))


def test_creating_and_revoking_is_recorded(program):
    made = program()
    keys.revoke_key(made.key, by=console_user(), at=NOON, reason="leaked")
    keys.revoke_key(made.key, by=console_user(), at=NOON)
    acts = AuditEntry.objects.filter(object_type="api.apikey").order_by("pk")
    assert [(act.action, act.reason) for act in acts] == [
        ("api.create_key", ""),
        ("api.revoke_key", "leaked"),
    ]


def test_requests_are_limited_by_the_minute(program, code, monkeypatch):
    caller = program(requests_per_minute=2)
    assert [caller.get("/meters").status_code for _ in range(3)] == [200, 200, 429]
    answer = caller.get("/meters")
    assert code(answer) == "too_many_requests"
    assert answer.headers["Retry-After"] == "60"
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOON + timedelta(minutes=1))
    assert caller.get("/meters").status_code == 200


def test_a_key_of_a_vendors_program_is_made_on_the_page(log_in):
    shop = Shop()
    kiosk = add_till(shop.vendor, name="Kiosk", needs_shift=False, by=console_user(), at=NOON)
    admin = log_in("utility administrator")
    asked = {"program": "shop", "name": "kiosk", "scopes": ["vend"], "days": 30, "till": kiosk.pk}
    for _ in range(2):  # a second key of the program sells there as well
        assert "Copy it now" in admin.post("/api-keys/new/", asked).content.decode()
    operator = Operator.objects.get(till=kiosk)
    assert (operator.user.username, operator.vendor) == ("api-shop", shop.vendor)
    assert "of Corner Shop" in admin.get("/api-keys/").content.decode()
    refused = admin.post("/api-keys/new/", asked | {"till": shop.till.pk})
    assert "Select a valid choice" in refused.content.decode()


def test_a_program_sells_for_one_vendor_only(db):
    tills = [
        add_till(Shop(name).vendor, name="Kiosk", needs_shift=False, by=console_user(), at=NOON)
        for name in ("One", "Other")
    ]
    asked: dict[str, Any] = {"program": "shop", "name": "kiosk", "scopes": ["vend"], "at": NOON}
    asked |= {"by": console_user(), "expires_at": NOON + timedelta(days=1)}
    keys.create_key(**asked, till=tills[0])
    with pytest.raises(InvalidVendor):
        keys.create_key(**asked, till=tills[1])


def test_processes_count_together_up_to_what_they_have_not_told_yet(program):
    key = program(requests_per_minute=100).key
    processes = [Rates(f"process-{number}") for number in range(4)]
    passed = sum(
        processes[number % 4].count(key, 100, at=NOON + timedelta(milliseconds=10 * number))
        for number in range(400)
    )
    assert 100 <= passed <= 100 + 3 * (100 // SHARE + 1)
    assert RequestTally.objects.count() == 4


def test_counting_rarely_costs_a_query(program, django_assert_num_queries):
    key = program(requests_per_minute=600).key
    one = Rates("process")
    one.count(key, 600, at=NOON)
    with django_assert_num_queries(0):
        for _ in range(30):
            assert one.count(key, 600, at=NOON)
    with django_assert_num_queries(2):
        one.count(key, 600, at=NOON + timedelta(seconds=1))


def test_counts_of_past_minutes_are_forgotten(program):
    key = program(requests_per_minute=10).key
    one = Rates("process")
    one.count(key, 10, at=NOON)
    one.count(key, 10, at=NOON + timedelta(minutes=10))
    assert RequestTally.objects.get().minute == int(NOON.timestamp()) // 60 + 10


def test_the_last_use_is_noted_now_and_then(program):
    made = program()
    keys.recognise(made.text, at=NOON)
    assert ApiKey.objects.get().last_used_at == NOON
    keys.recognise(made.text, at=NOON + timedelta(minutes=1))
    assert ApiKey.objects.get().last_used_at == NOON
    keys.recognise(made.text, at=NOON + timedelta(minutes=6))
    assert ApiKey.objects.get().last_used_at == NOON + timedelta(minutes=6)


@pytest.mark.parametrize(
    "fault",
    [
        {"program": "Bank!"},
        {"name": ""},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"expires_at": NOON},
        {"expires_at": NOON + timedelta(days=800)},
        {"daily_tender_minor": 0},
    ],
)
def test_an_impossible_key_is_refused(db, fault):
    asked = {
        "program": "bank",
        "name": "test",
        "scopes": ["vend"],
        "expires_at": NOON + timedelta(days=1),
    }
    with pytest.raises((InvalidKey, InvalidProgram)):
        keys.create_key(**(asked | fault), by=console_user(), at=NOON)
    assert not ApiKey.objects.exists()


def test_only_those_who_may_manage_keys_do(log_in):
    cashier = log_in("cashier")
    with pytest.raises(NotPermitted):
        keys.create_key(
            program="bank",
            name="test",
            scopes=["vend"],
            expires_at=NOON + timedelta(days=1),
            by=cashier.user,
            at=NOON,
        )
    assert cashier.get("/api-keys/").status_code == 403


NEW = {
    "program": "bank",
    "name": "nightly sales",
    "scopes": ["sales:read", "tokens:read"],
    "days": "90",
    "daily_tender": "1 000.00",
}


def test_a_key_made_on_the_page_is_shown_once_and_works(log_in):
    client = log_in("utility administrator")
    assert "No keys yet" in client.get("/api-keys/").content.decode()
    answer = client.post("/api-keys/new/", NEW)
    assert "no-store" in answer.headers["Cache-Control"]
    text = answer.context["text"]
    assert text in answer.content.decode()
    key = keys.recognise(text, at=NOON)
    assert (key.scopes, key.daily_tender_minor) == (["sales:read", "tokens:read"], 100_000)
    shown = client.get("/api-keys/").content.decode()
    assert key.prefix in shown
    assert text.split("_", 2)[2] not in shown


def test_a_key_is_revoked_on_the_page_for_a_reason(log_in):
    client = log_in("utility administrator")
    key = client.post("/api-keys/new/", NEW).context["key"]
    assert client.post(f"/api-keys/{id_of(key)}/revoke/", {"reason": ""}).status_code == 200
    assert ApiKey.objects.get().revoked_at is None
    assert client.post(f"/api-keys/{id_of(key)}/revoke/", {"reason": "leaked"}).status_code == 302
    assert ApiKey.objects.get().revoked_at == NOON
    assert "revoked" in client.get("/api-keys/").content.decode()
    assert client.get(f"/api-keys/{id_of(key)}/revoke/").status_code == 404


def test_the_page_says_what_is_wrong_with_a_key(log_in):
    client = log_in("utility administrator")
    answer = client.post("/api-keys/new/", NEW | {"scopes": [], "program": "Bank"})
    assert answer.status_code == 200
    assert "This field is required" in answer.content.decode()
    answer = client.post("/api-keys/new/", NEW | {"program": "Bank"})
    assert "lower case letters" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_the_command_creates_lists_and_revokes(db, capsys):
    call_command("api_key", "create", "bank", "--name", "sales", "--scope", "vend")
    text = capsys.readouterr().out.strip()
    prefix = text.split("_")[1]
    call_command("api_key", "list")
    assert f"{prefix}  api-bank  ends" in capsys.readouterr().out
    call_command("api_key", "revoke", prefix, "--reason", "leaked")
    call_command("api_key", "list")
    assert "revoked" in capsys.readouterr().out
    with pytest.raises(CommandError, match="there is no key"):
        call_command("api_key", "revoke", "0" * 12)
    with pytest.raises(CommandError, match="lower case"):
        call_command("api_key", "create", "B!", "--name", "sales", "--scope", "vend")
