"""Authenticator apps, passkeys and recovery codes: what is taken, once, and what is not."""

import html
import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from headend.accounts import second_factor
from headend.accounts.errors import FactorRefused
from headend.accounts.models import GroupRule, RecoveryCode, SecondFactor, User
from headend.accounts.services import create_user
from headend.accounts.tests.authenticators import SecurityKey, app_code
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.config.opaque import id_of
from headend.testing import NOON

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(minutes=5)
SITE = {"host": "testserver", "origin": "http://testserver"}


@pytest.fixture
def user():
    return create_user(username="thandi", password=None, groups=("engineer",))


@pytest.fixture
def secret(user):
    return second_factor.new_authenticator(user).secret


@pytest.fixture
def codes(user, secret):
    """Recovery codes of a user who has just set up an app."""
    return second_factor.add_authenticator(
        user, secret=secret, code=app_code(secret, NOON), name="Phone", at=NOON
    )


@pytest.fixture
def key(user):
    key = SecurityKey()
    options, challenge = second_factor.passkey_creation(user, host="testserver")
    second_factor.add_passkey(
        user, credential=key.create(options), challenge=challenge, name="Key", at=NOON, **SITE
    )
    return key


def test_an_app_is_kept_only_after_a_right_code(user, secret):
    with pytest.raises(FactorRefused, match="check the clock"):
        second_factor.add_authenticator(user, secret=secret, code="000000", name="x", at=NOON)
    assert not second_factor.has_any(user)


def test_a_code_serves_once(user, secret, codes):
    with pytest.raises(FactorRefused):
        second_factor.check_code(user, app_code(secret, NOON), at=NOON)  # it set the app up
    second_factor.check_code(user, app_code(secret, LATER), at=LATER)
    with pytest.raises(FactorRefused, match="used before"):
        second_factor.check_code(user, app_code(secret, LATER), at=LATER)


@pytest.mark.parametrize(
    ("seconds_off", "taken"), [(-60, False), (-30, True), (30, True), (60, False)]
)
def test_the_phones_clock_may_be_one_step_off(user, secret, codes, seconds_off, taken):
    code = app_code(secret, LATER + timedelta(seconds=seconds_off))
    if taken:
        second_factor.check_code(user, code, at=LATER)
    else:
        with pytest.raises(FactorRefused):
            second_factor.check_code(user, code, at=LATER)


def test_recovery_codes_serve_once_each_and_are_not_stored(user, codes):
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    stored = str(list(RecoveryCode.objects.values()))
    assert not any(code in stored for code in codes)
    second_factor.check_code(user, codes[0].lower().replace(" ", "-"), at=LATER)
    with pytest.raises(FactorRefused):
        second_factor.check_code(user, codes[0], at=LATER)
    second_factor.check_code(user, codes[1], at=LATER)
    second_factor.new_recovery_codes(user, at=LATER)
    with pytest.raises(FactorRefused):
        second_factor.check_code(user, codes[2], at=LATER)


def test_codes_of_others_are_not_taken(user, secret, codes):
    other = create_user(username="other", password=None)
    for code in (app_code(secret, LATER), codes[0]):
        with pytest.raises(FactorRefused):
            second_factor.check_code(other, code, at=LATER)


def test_the_apps_secret_is_sealed_and_opens_for_its_user_only(user, secret, codes):
    row = SecondFactor.objects.get()
    assert secret.encode() not in bytes(row.sealed_secret)
    other = create_user(username="other", password=None)
    SecondFactor.objects.update(user=other)
    with pytest.raises(ValueError, match="does not open"):
        second_factor.check_code(other, app_code(secret, LATER), at=LATER)


def test_a_passkey_signs_in(user, key):
    options, challenge = second_factor.passkey_request(user, host="testserver")
    answer = key.get(options)
    second_factor.check_passkey(user, credential=answer, challenge=challenge, at=LATER, **SITE)
    assert SecondFactor.objects.get().last_used_at == LATER
    _, other_challenge = second_factor.passkey_request(user, host="testserver")
    with pytest.raises(FactorRefused):  # an answer belongs to its challenge
        second_factor.check_passkey(
            user, credential=answer, challenge=other_challenge, at=LATER, **SITE
        )


def test_a_passkey_of_another_site_user_or_copy_is_refused(user, key):
    def check(who=user, challenge=None, **site):
        options, fresh = second_factor.passkey_request(user, host="testserver")
        second_factor.check_passkey(
            who, credential=key.get(options), challenge=challenge or fresh, at=LATER,
            **(SITE | site),
        )  # fmt: skip

    check()
    for wrong in (
        {"origin": "http://evil.example"},
        {"host": "evil.example"},
        {"who": create_user(username="other", password=None)},
        {"challenge": bytes(32)},
    ):
        with pytest.raises(FactorRefused):
            check(**wrong)
    key.count = 0  # a copy of the key that signed less often
    with pytest.raises(FactorRefused):
        check()


@pytest.mark.parametrize("rubbish", ["", "{}", "[]", "null", '{"id": 1}'])
def test_rubbish_is_no_passkey(user, key, rubbish):
    _, challenge = second_factor.passkey_request(user, host="testserver")
    with pytest.raises(FactorRefused):
        second_factor.check_passkey(
            user, credential=rubbish, challenge=challenge, at=LATER, **SITE
        )
    with pytest.raises(FactorRefused):
        second_factor.add_passkey(
            user, credential=rubbish, challenge=challenge, name="x", at=LATER, **SITE
        )


def test_only_an_administrator_resets_and_the_record_tells(user, codes):
    engineer = create_user(username="e", password=None, groups=("engineer",))
    with pytest.raises(NotPermitted):
        second_factor.reset(user, by=engineer, at=LATER, reason="lost")
    chief = create_user(username="a", password=None, groups=("utility administrator",))
    second_factor.reset(user, by=chief, at=LATER, reason="lost")
    assert not second_factor.has_any(user)
    assert not RecoveryCode.objects.filter(user=user).exists()
    row = AuditEntry.objects.get(action="accounts.reset_second_factor")
    assert (row.actor, row.reason, row.object_id) == (chief, "lost", str(user.pk))


def test_stock_groups_that_change_money_keys_or_meters_need_one():
    needing = set(
        Group.objects.filter(rule__needs_second_factor=True).values_list("name", flat=True)
    )
    assert needing == {
        *("utility administrator", "tariff clerk", "approver"),
        *("vendor manager", "engineer"),
    }


# --- pages -------------------------------------------------------------------------------------


@pytest.fixture
def required(settings):
    settings.SECOND_FACTOR = "required"


def test_who_must_have_one_sets_it_up_before_anything_else(required, log_in):
    client = log_in("engineer")
    answer = client.get("/meters/?q=1")
    assert answer.headers["Location"] == "/second-factor/set-up/?next=%2Fmeters%2F%3Fq%3D1"
    assert client.get("/meters/", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert "Authenticator app" in client.get("/second-factor/set-up/").content.decode()
    secret = new_secret(client)
    answer = client.post(
        "/second-factor/app/",
        {"name": "Phone", "code": app_code(secret, NOON), "next": "/meters/?q=1&only=off"},
    )
    assert (
        answer.headers["Location"]
        == "/second-factor/recovery-codes/?next=%2Fmeters%2F%3Fq%3D1%26only%3Doff"
    )
    page = client.get(answer.headers["Location"]).content.decode()
    assert page.count("<code>") == second_factor.RECOVERY_CODES
    assert 'href="/meters/?q=1&amp;only=off"' in page
    assert client.get("/second-factor/recovery-codes/").status_code == 302  # shown once
    assert client.get("/meters/").status_code == 200


def new_secret(client):
    page = client.get("/second-factor/app/").content.decode()
    return re.findall(r"<code>([A-Z2-7 ]+)</code>", page)[0].replace(" ", "")


def test_a_demonstration_only_offers_it(log_in, settings):
    assert settings.DEMONSTRATION
    client = log_in("engineer")
    assert client.get("/meters/").status_code == 200
    settings.DEMONSTRATION = False
    assert second_factor.must_have(client.user)


def test_a_superuser_needs_one_without_any_group(required):
    assert second_factor.must_have(User.objects.create_superuser("root"))


def test_cashiers_need_none_unless_their_group_says_so(required, log_in):
    assert log_in("cashier").get("/till/").status_code == 200
    GroupRule.objects.filter(group__name="cashier").update(needs_second_factor=True)
    client = Client()
    client.force_login(create_user(username="c2", password=None, groups=("cashier",)))
    assert client.get("/till/").status_code == 302


def test_who_has_one_is_asked_for_it_at_every_log_in(user, secret, codes, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: LATER)
    client = Client()
    client.force_login(user)
    assert client.get("/meters/").headers["Location"].startswith("/second-factor/?next=")
    # setting up another one is no way around showing the first
    for way_round in ("/second-factor/app/", "/second-factor/passkey/", "/second-factor/set-up/"):
        assert client.get(way_round).headers["Location"] == "/second-factor/"
    for closed in ("/account/", "/second-factor/recovery-codes/"):
        assert client.get(closed).status_code == 302
    before = client.session.session_key
    answer = client.post("/second-factor/", {"code": "123", "next": "/meters/"})
    assert (answer.status_code, client.get("/meters/").status_code) == (422, 302)
    code = app_code(secret, LATER)
    answer = client.post("/second-factor/", {"code": code, "next": "/meters/"})
    assert answer.headers["Location"] == "/meters/"
    assert client.get("/meters/").status_code == 200
    assert client.session.session_key != before


def test_guessing_codes_is_slowed_down(user, secret, codes, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: LATER)
    client = Client()
    client.force_login(user)
    for _ in range(5):
        client.post("/second-factor/", {"code": "123456"})
    answer = client.post("/second-factor/", {"code": app_code(secret, LATER)})
    assert "too many failed attempts" in answer.content.decode()


def test_a_passkey_on_the_pages(log_in, monkeypatch):
    client, key = log_in("engineer"), SecurityKey()
    answer = client.post(
        "/second-factor/passkey/",
        {"credential": key.create(options_on(client, "/second-factor/passkey/")), "name": "Key"},
    )
    assert answer.headers["Location"].startswith("/second-factor/recovery-codes/")
    again = Client()
    again.force_login(client.user)
    given = key.get(options_on(again, "/second-factor/"))
    answer = again.post("/second-factor/", {"credential": given, "next": "/meters/"})
    assert answer.headers["Location"] == "/meters/"
    assert again.get("/meters/").status_code == 200
    # what was answered once serves no second time
    third = Client()
    third.force_login(client.user)
    options_on(third, "/second-factor/")
    assert third.post("/second-factor/", {"credential": given}).status_code == 422


def options_on(client, path):
    page = client.get(path).content.decode()
    options = html.unescape(re.findall(r'data-options="([^"]+)"', page)[0])
    assert json.loads(options)["challenge"]
    return options


def test_the_last_one_cannot_be_given_up_where_it_is_required(required, user, secret, codes):
    with pytest.raises(FactorRefused, match="another one first"):
        second_factor.remove(SecondFactor.objects.get(), at=LATER)


def test_giving_one_up_and_making_new_codes_on_the_account_page(log_in):
    client = log_in("cashier")
    secret = new_secret(client)
    client.post("/second-factor/app/", {"name": "Phone", "code": app_code(secret, NOON)})
    assert "10 recovery codes left" in client.get("/account/").content.decode()
    assert client.post("/second-factor/recovery-codes/new/").status_code == 302
    factor = SecondFactor.objects.get()
    stranger = Client()
    stranger.force_login(create_user(username="stranger", password=None))
    assert stranger.post(f"/second-factor/{id_of(factor)}/remove/").status_code == 404
    client.post(f"/second-factor/{id_of(factor)}/remove/")
    assert not SecondFactor.objects.exists()
    assert not RecoveryCode.objects.exists()


def test_who_used_a_recovery_code_is_told_how_many_are_left(user, secret, codes, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: LATER)
    RecoveryCode.objects.filter(pk__in=user.recovery_codes.values("pk")[3:]).delete()
    left = [one for one in codes if user.recovery_codes.filter(digest=digest_of(one)).exists()]
    for code, words in zip(
        left, ("2 recovery codes left", "1 recovery code", "none left"), strict=True
    ):
        client = Client()
        client.force_login(user)
        page = client.post("/second-factor/", {"code": code}, follow=True).content.decode()
        assert words in page
    client = Client()
    client.force_login(user)
    app = {"code": app_code(secret, LATER)}
    assert "recovery" not in client.post("/second-factor/", app, follow=True).content.decode()


def digest_of(code):
    return second_factor._digest(code)


def test_no_page_is_offered_that_would_only_lead_back(required, log_in):
    client = log_in("engineer")
    for page in ("/second-factor/set-up/", "/second-factor/app/", "/second-factor/passkey/"):
        text = client.get(page).content.decode()
        assert 'href="/meters/"' not in text
        assert 'href="/account/"' not in text
        assert "Log out" in text
