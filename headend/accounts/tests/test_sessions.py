"""A log-in ends: by doing nothing, after a working day, and when the password changes."""

from datetime import timedelta

import pytest
from django.test import Client

from headend.accounts.models import GroupRule
from headend.accounts.services import create_user
from headend.testing import NOON

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = NOON

        def advance(self, **how):
            self.now += timedelta(**how)

    clock = Clock()
    monkeypatch.setattr("django.utils.timezone.now", lambda: clock.now)
    return clock


@pytest.fixture
def client(clock):
    client = Client()
    user = create_user(username="thandi", password=PASSWORD, groups=("cashier",))
    client.force_login(user)
    return client


def is_in(client, **headers):
    return client.get("/till/", headers=headers).status_code == 200


def test_half_an_hour_without_use_ends_it(client, clock):
    clock.advance(minutes=29)
    assert is_in(client)
    clock.advance(minutes=29)
    assert is_in(client)
    clock.advance(minutes=30)
    assert not is_in(client)
    assert not is_in(client)
    assert "was not used for 30 min" in client.get("/log-in/").content.decode()


def test_a_page_that_keeps_itself_up_to_date_is_not_use(client, clock):
    for _ in range(5):
        clock.advance(minutes=5)
        assert is_in(client, **{"HX-Request": "true"})
    clock.advance(minutes=5)
    assert not is_in(client)


def test_twelve_hours_end_it_even_in_use(client, clock):
    for _ in range(12 * 4 - 1):
        clock.advance(minutes=15)
        assert is_in(client)
    clock.advance(minutes=15)
    assert "good for 12 hours" in client.get("/till/", follow=True).content.decode()


def test_a_new_password_ends_every_other_session(client, clock):
    other = Client()
    other.login(username="thandi", password=PASSWORD)
    new = "a longer and better one"
    answer = client.post(
        "/account/",
        {"old_password": PASSWORD, "new_password1": new, "new_password2": new},
    )
    assert answer.status_code == 302
    assert is_in(client)
    assert not is_in(other)


def test_weak_or_mistyped_passwords_are_refused(client):
    for one, two in (
        ("short", "short"),
        ("a longer one", "another one"),
        ("password12", "password12"),
    ):
        answer = client.post(
            "/account/", {"old_password": PASSWORD, "new_password1": one, "new_password2": two}
        )
        assert answer.status_code == 422
    assert Client().login(username="thandi", password=PASSWORD)


def test_a_group_that_begins_to_need_a_second_factor_asks_within_a_minute(client, clock, settings):
    settings.SECOND_FACTOR = "required"
    GroupRule.objects.filter(group__name="cashier").update(needs_second_factor=True)
    assert is_in(client)
    clock.advance(minutes=1)
    assert client.get("/till/").headers["Location"].startswith("/second-factor/set-up/")


def test_a_deactivated_person_is_out_at_once(client):
    assert is_in(client)
    user = create_user(username="x", password=None)
    type(user).objects.filter(username="thandi").update(is_active=False)
    assert not is_in(client)
